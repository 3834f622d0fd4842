#include "tools/load/requests.hpp"

#include <gtest/gtest.h>

#include <set>

namespace trellis::load {
namespace {

class WorkbookTest : public ::testing::Test {
 protected:
  WorkbookTest() {
    options_.connections = 2;
    for (std::uint32_t i = 0; i < 2; ++i)
      twins_.push_back(Twin::Make(i, crypto::KeyType::kEd25519));
  }

  Options options_;
  std::vector<Twin> twins_;
};

TEST(LoadUid, GivesTheIndexBack) {
  EXPECT_EQ(IndexOf(MakeUid("5f.1", 4711), "5f.1"), 4711U);
  EXPECT_EQ(IndexOf("5f.1", "5f.1"), SIZE_MAX);
  EXPECT_EQ(IndexOf("other-3", "5f.1"), SIZE_MAX);
}

TEST_F(WorkbookTest, SignsEveryRequestAsTheTwinOfItsConnection) {
  Workbook workbook(options_, twins_, 77, nullptr, "r");

  auto const requests = workbook.Mixed({Kind::kDeploy, Kind::kDeploy, Kind::kGet, Kind::kVersion});

  ASSERT_TRUE(requests) << requests.error().message;
  for (std::size_t i = 0; i < requests->size(); ++i) {
    auto const& request = (*requests)[i];
    auto const envelope = rmb::ParseEnvelope(request.bytes);
    ASSERT_TRUE(envelope);
    auto const& twin = twins_[request.session];
    EXPECT_EQ(envelope->source, (rmb::Address{twin.id, std::nullopt}));
    EXPECT_EQ(envelope->destination, (rmb::Address{77, std::nullopt}));
    EXPECT_EQ(IndexOf(envelope->uid, workbook.run()), i);
    EXPECT_TRUE(rmb::CheckSignature(*envelope, twin.signer.public_key()));
  }
}

TEST_F(WorkbookTest, GivesEveryBatchItsOwnUids) {
  Workbook workbook(options_, twins_, 77, nullptr, "r");

  auto const first = workbook.Deploys(3);
  auto const second = workbook.Mixed({Kind::kDeploy, Kind::kVersion});

  std::set<std::string> uids;
  for (auto const* batch : {&*first, &*second}) {
    for (auto const& request : *batch)
      uids.insert(rmb::ParseEnvelope(request.bytes)->uid);
  }
  EXPECT_EQ(uids.size(), 5U);
}

TEST_F(WorkbookTest, UpdatesAndDeletesTakeEachPreloadedDeploymentOnce) {
  Workbook workbook(options_, twins_, 77, nullptr, "r");
  ASSERT_TRUE(workbook.Deploys(3));

  auto const requests = workbook.Mixed({Kind::kUpdate, Kind::kDelete, Kind::kUpdate});

  ASSERT_TRUE(requests) << requests.error().message;
  std::set<std::uint64_t> contracts;
  for (auto const& request : *requests)
    contracts.insert(request.contract);
  EXPECT_EQ(contracts, (std::set<std::uint64_t>{1, 2, 3}));
  EXPECT_TRUE((*requests)[1].bytes.empty());
  EXPECT_FALSE(workbook.Mixed({Kind::kUpdate}));
}

}  // namespace
}  // namespace trellis::load
