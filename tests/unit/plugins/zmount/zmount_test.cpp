#include "tests/support/fake_host.hpp"

#include <trellis/services/storage.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace trellis::testing {
namespace {

constexpr char const* kId = "1-2-data";
constexpr std::uint64_t kMaxDisk = 1000;

// A disk service that remembers what it is asked.
class ZMount : public ::testing::Test {
 protected:
  void SetUp() override {
    host_.FakeService(services::kStorageDisk,
                      [this](std::string_view method, std::string_view request) {
                        return Serve(method, request);
                      });
    auto const loaded = host_.Load(FakeHost::BuiltPlugin("zmount"));
    ASSERT_TRUE(loaded) << loaded.error().message;
  }

  Result<std::string> Serve(std::string_view method, std::string_view text) {
    asked_.emplace_back(method);
    if (method == "limits") return json::Dump(services::DiskLimits{kMaxDisk});
    if (method == "list") return json::Dump(services::DiskList{{disk_, Owned("@x/y")}});
    if (method == "delete") return "{}";
    auto const request = json::Parse<services::DiskRequest>(text);
    if (!request) return tl::unexpected<Error>(request.error());
    if (failure_.has_value() && method != "lookup") return tl::unexpected<Error>(*failure_);
    if (method == "lookup" && disk_.owner.empty()) return Fail(Code::kNotFound, "no disk");
    if (method == "create" && disk_.owner.empty()) disk_ = Owned(request->owner, request->size);
    if (method == "resize") disk_.size = request->size;
    return json::Dump(disk_);
  }
  static services::Disk Owned(std::string owner, std::uint64_t size = 1) {
    services::Disk disk;
    disk.owner = std::move(owner);
    disk.size = size;
    return disk;
  }

  services::Disk disk_;
  std::optional<Error> failure_;
  std::vector<std::string> asked_;
  FakeHost host_;
};

TEST_F(ZMount, ChallengeIsTheDecimalSize) {
  EXPECT_EQ(*host_.Challenge("zmount", R"({"size":16106127360})"), "16106127360");
}

TEST_F(ZMount, RefusesSizeZeroWithReasonSize) {
  auto const valid = host_.Valid("zmount", R"({"size":0})");

  ASSERT_FALSE(valid);
  EXPECT_EQ(valid.error().code, Code::kInvalid);
  EXPECT_TRUE(valid.error().message.starts_with("[size] ")) << valid.error().message;
}

TEST_F(ZMount, AcceptsAnyOtherSizeAndRefusesNegativeOnes) {
  EXPECT_TRUE(host_.Valid("zmount", R"({"size":1})"));
  EXPECT_EQ(host_.Valid("zmount", R"({"size":-1})").error().code, Code::kDecode);
}

TEST_F(ZMount, TakesSsdCapacityOfItsSize) {
  auto const capacity = host_.CapacityOf("zmount", R"({"size":42})");

  ASSERT_TRUE(capacity);
  EXPECT_EQ(*capacity, (Capacity{.cru = 0, .sru = 42, .hru = 0, .mru = 0, .ipv4u = 0}));
}

TEST_F(ZMount, LargerDisksWeighMoreAndRankIsOneHundred) {
  EXPECT_GT(host_.Weight("zmount", R"({"size":30})"), host_.Weight("zmount", R"({"size":20})"));
  EXPECT_EQ(host_.Rank("zmount"), 100U);
}

TEST_F(ZMount, ProvisionAnswersTheVolumeId) {
  auto const done = host_.Provision("zmount", kId, R"({"size":10})");

  EXPECT_EQ(done.status, TRL_OK) << done.error;
  EXPECT_EQ(done.result, R"({"volume_id":"1-2-data"})");
  EXPECT_EQ(disk_.size, 10U);
}

TEST_F(ZMount, ProvisionFinishesAGrowthThatWasCutShort) {
  disk_ = Owned(kId, 5);

  EXPECT_TRUE(host_.Provision("zmount", kId, R"({"size":10})").ok());

  EXPECT_EQ(disk_.size, 10U);
}

TEST_F(ZMount, ProvisionPassesTheRefusalOfTheServiceOn) {
  failure_ = Error{Code::kExhausted, "not enough space left in pools of this type ssd"};

  auto const done = host_.Provision("zmount", kId, R"({"size":10})");

  EXPECT_EQ(done.status, TRL_EXHAUSTED);
  EXPECT_EQ(done.error, "not enough space left in pools of this type ssd");
}

TEST_F(ZMount, UpdateToTheSameSizeNeedsNoAction) {
  disk_ = Owned(kId, 10);

  auto const done = host_.Update("zmount", kId, R"({"size":10})");

  EXPECT_EQ(done.status, TRL_NO_ACTION);
  EXPECT_EQ(done.result, R"({"volume_id":"1-2-data"})");
}

TEST_F(ZMount, UpdateGrows) {
  disk_ = Owned(kId, 10);

  EXPECT_EQ(host_.Update("zmount", kId, R"({"size":20})").status, TRL_OK);

  EXPECT_EQ(disk_.size, 20U);
}

TEST_F(ZMount, UpdateNeverShrinks) {
  disk_ = Owned(kId, 10);

  auto const done = host_.Update("zmount", kId, R"({"size":9})");

  EXPECT_EQ(done.status, TRL_UNCHANGED);
  EXPECT_EQ(done.error, "not safe to shrink a disk");
}

TEST_F(ZMount, UpdateOfADiskInUseChangesNothing) {
  disk_ = Owned(kId, 10);
  disk_.claims = {"1-2-vm"};

  auto const done = host_.Update("zmount", kId, R"({"size":20})");

  EXPECT_EQ(done.status, TRL_UNCHANGED);
  EXPECT_EQ(done.error, "disk is mounted, please delete the VM first");
  EXPECT_EQ(disk_.size, 10U);
}

TEST_F(ZMount, UpdateThatFindsNoRoomChangesNothing) {
  disk_ = Owned(kId, 10);
  failure_ = Error{Code::kExhausted, "no room"};

  auto const done = host_.Update("zmount", kId, R"({"size":20})");

  EXPECT_EQ(done.status, TRL_UNCHANGED);
  EXPECT_EQ(done.error, "no room");
}

TEST_F(ZMount, InspectTellsAbsentRunningDriftedPaused) {
  EXPECT_EQ(host_.Inspect("zmount", kId, R"({"size":10})")->state, Observed::State::kAbsent);
  disk_ = Owned(kId, 10);
  EXPECT_EQ(host_.Inspect("zmount", kId, R"({"size":10})")->state, Observed::State::kRunning);
  EXPECT_EQ(host_.Inspect("zmount", kId, R"({"size":11})")->state, Observed::State::kDrifted);
  CallOptions paused;
  paused.paused = true;
  EXPECT_EQ(host_.Inspect("zmount", kId, R"({"size":10})", paused)->state,
            Observed::State::kPaused);
}

TEST_F(ZMount, ListOwnedLeavesOutDisksOfPlugins) {
  disk_ = Owned(kId, 10);

  EXPECT_EQ(*host_.ListOwned("zmount"), std::vector<std::string>{kId});
}

TEST_F(ZMount, PrecheckRefusesADiskThatNoPoolCanHold) {
  EXPECT_TRUE(host_.Precheck("zmount", kId, PrecheckOp::kProvision, R"({"size":1000})").ok());

  auto const done = host_.Precheck("zmount", kId, PrecheckOp::kProvision, R"({"size":1001})");

  EXPECT_EQ(done.status, TRL_EXHAUSTED);
  EXPECT_EQ(
      done.error,
      "a disk of 1001 bytes is bigger than every ssd pool of this node (largest: 1000 bytes)");
}

TEST_F(ZMount, DeprovisionDeletesTheDiskEvenWithUnreadableData) {
  EXPECT_TRUE(host_.Deprovision("zmount", kId, "null").ok());

  EXPECT_EQ(asked_, std::vector<std::string>{"delete"});
}

}  // namespace
}  // namespace trellis::testing
