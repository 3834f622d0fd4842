#include "tests/conformance/ledger/race.hpp"

#include "tests/conformance/ledger/suite.hpp"

#include <set>

namespace trellis::ledger {
namespace {

TEST_P(LedgerSuite, OneOfManyGetsTheName) {
  auto const other = Another();

  EXPECT_EQ(Race({ledger_.get(), other.get()},
                 [](unsigned) -> Call { return CreateNameContract{"mysite"}; })
                .size(),
            1);
}

TEST_P(LedgerSuite, OneOfManyGetsTheHash) {
  auto const other = Another();

  EXPECT_EQ(Race({ledger_.get(), other.get()}, [](unsigned) -> Call { return Deploy(7); }).size(),
            1);
}

TEST_P(LedgerSuite, OneOfManyGetsTheLastAddress) {
  auto const other = Another();
  ASSERT_EQ(Name(By(kFarmer),
                 AddFarmIp{.farm = kFarm, .ip = "185.69.166.10/24", .gateway = "185.69.166.1"}),
            "");

  EXPECT_EQ(
      Race({ledger_.get(), other.get()}, [](unsigned i) -> Call { return Deploy(i, 1); }).size(),
      1);
}

TEST_P(LedgerSuite, IdsOfManyAreUniqueAndEachHasItsEvent) {
  auto const other = Another();
  auto const cursor = LastSeq();

  auto const ids = Race({ledger_.get(), other.get()}, [](unsigned i) -> Call { return Deploy(i); });

  EXPECT_EQ(ids.size(), kRacers);
  EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), kRacers);
  EXPECT_EQ(KindsAfter(cursor), std::vector<std::string>(kRacers, "ContractCreated"));
}

}  // namespace
}  // namespace trellis::ledger
