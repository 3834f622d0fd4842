#include "tests/unit/kernel/ledger/world.hpp"

namespace trellis::ledger {
namespace {

using Limits = World;

TEST_F(Limits, ContractData) {
  auto call = Deploy(1);
  call.data = std::string(kMaxDataBytes + 1, 'x');
  EXPECT_EQ(Name(By(kAlice), call), "DataTooLong");
  call.data.pop_back();
  EXPECT_EQ(Name(By(kAlice), call), "");
}

TEST_F(Limits, ContractDataIsText) {
  auto call = Deploy(1);
  call.data = "\xff\xfe";

  EXPECT_EQ(Name(By(kAlice), call), "DataNotValid");
}

TEST_F(Limits, AddressesOfAContract) {
  EXPECT_EQ(Name(By(kAlice), Deploy(1, kMaxContractIps + 1)), "TooManyPublicIPs");
}

TEST_F(Limits, AddressesOfAFarm) {
  auto const ip = [](unsigned i) {
    return AddFarmIp{.farm = kFarm,
                     .ip = fmt::format("10.0.{}.{}/16", i / 200, i % 200 + 2),
                     .gateway = "10.0.0.1"};
  };
  std::vector<Call> calls;
  for (unsigned i = 0; i < kMaxFarmIps; ++i) {
    calls.emplace_back(ip(i));
    if (calls.size() < 64) continue;
    ASSERT_TRUE(ledger_->SubmitAll(By(kFarmer), calls));
    calls.clear();
  }

  EXPECT_EQ(Name(By(kFarmer), ip(kMaxFarmIps)), "FarmHasTooManyPublicIPs");
}

TEST_F(Limits, FarmName) {
  EXPECT_EQ(Name(Admin(), CreateFarm{.name = std::string(41, 'f'), .twin = 0, .dedicated = false}),
            "FarmNameTooLong");
  EXPECT_EQ(Name(Admin(), CreateFarm{.name = std::string(40, 'f'), .twin = 0, .dedicated = false}),
            "");
}

TEST_F(Limits, CallsOfABatch) {
  EXPECT_FALSE(ledger_->SubmitAll(By(kAlice), std::vector<Call>(kMaxBatch + 1, CancelContract{1})));
}

TEST_F(Limits, Reports) {
  EXPECT_EQ(Name(By(kNodeTwin), ReportNru{std::vector<NruReport>(kMaxReports + 1)}),
            "TooManyReports");
}

TEST_F(Limits, RequestId) {
  Caller const caller{.twin = kAlice, .admin = false, .request_id = std::string(65, 'r')};

  EXPECT_EQ(Name(caller, Deploy(1)), "RequestIdTooLong");
}

TEST_F(Limits, ContractIdsAboveTheSignedRangeAreNotFound) {
  EXPECT_EQ(ledger_->GetContract(~0ULL).error().code, Code::kNotFound);
  EXPECT_EQ(Name(By(kAlice), CancelContract{~0ULL}), "ContractNotExists");
}

}  // namespace
}  // namespace trellis::ledger
