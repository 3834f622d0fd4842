#include "tests/conformance/ledger/suite.hpp"

namespace trellis::ledger {
namespace {

TEST_P(LedgerSuite, LimitOfContractData) {
  auto call = Deploy(1);
  call.data = std::string(kMaxDataBytes + 1, 'x');
  EXPECT_EQ(Name(By(kAlice), call), "DataTooLong");
  call.data.pop_back();
  EXPECT_EQ(Name(By(kAlice), call), "");
}

TEST_P(LedgerSuite, ContractDataIsText) {
  auto call = Deploy(1);
  call.data = "\xff\xfe";

  EXPECT_EQ(Name(By(kAlice), call), "DataNotValid");
}

TEST_P(LedgerSuite, LimitOfAddressesOfAContract) {
  EXPECT_EQ(Name(By(kAlice), Deploy(1, kMaxContractIps + 1)), "TooManyPublicIPs");
}

TEST_P(LedgerSuite, LimitOfAddressesOfAFarm) {
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

TEST_P(LedgerSuite, LimitOfFarmNames) {
  EXPECT_EQ(Name(Admin(), CreateFarm{.name = std::string(41, 'f'), .twin = 0, .dedicated = false}),
            "FarmNameTooLong");
  EXPECT_EQ(Name(Admin(), CreateFarm{.name = std::string(40, 'f'), .twin = 0, .dedicated = false}),
            "");
}

TEST_P(LedgerSuite, LimitOfCallsInABatch) {
  EXPECT_FALSE(ledger_->SubmitAll(By(kAlice), std::vector<Call>(kMaxBatch + 1, CancelContract{1})));
}

TEST_P(LedgerSuite, LimitOfReports) {
  EXPECT_EQ(Name(By(kNodeTwin), ReportNru{std::vector<NruReport>(kMaxReports + 1)}),
            "TooManyReports");
}

TEST_P(LedgerSuite, LimitOfRequestIds) {
  if (!KnowsRequestIds()) return;

  EXPECT_EQ(Name(Asking(std::string(65, 'r')), Deploy(1)), "RequestIdTooLong");
}

TEST_P(LedgerSuite, ContractIdsAboveTheSignedRangeAreNotFound) {
  EXPECT_EQ(ledger_->GetContract(~0ULL).error().code, Code::kNotFound);
  EXPECT_EQ(Name(By(kAlice), CancelContract{~0ULL}), "ContractNotExists");
}

}  // namespace
}  // namespace trellis::ledger
