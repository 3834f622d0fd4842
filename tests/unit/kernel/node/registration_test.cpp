#include "kernel/node/registration.hpp"

#include "tests/unit/kernel/ledger/world.hpp"

namespace trellis::ledger {
namespace {

using Registration = World;

TEST_F(Registration, WritesWhatTheNodeHasOnce) {
  Capacity total;
  total.cru = 4;
  total.sru = 5;
  total.hru = 6;
  total.mru = 7;
  ASSERT_TRUE(node::PublishResources(*ledger_, kNode, kNodeTwin, total));
  auto const record = ledger_->GetNode(kNode).value();
  EXPECT_EQ(record.resources.cru, 4U);
  EXPECT_EQ(record.resources.mru, 7U);
  EXPECT_EQ(record.farm_id, kFarm) << "the rest stays";
  auto const before = LastSeq();
  ASSERT_TRUE(node::PublishResources(*ledger_, kNode, kNodeTwin, total));
  EXPECT_EQ(LastSeq(), before) << "nothing new, nothing written";
}

TEST_F(Registration, AnotherNodesRecordIsRefused) {
  auto const done = node::PublishResources(*ledger_, kNode, kAlice, Capacity{});
  EXPECT_TRUE(done) << "an equal record needs no write";
  Capacity total;
  total.cru = 1;
  EXPECT_EQ(node::PublishResources(*ledger_, kNode, kAlice, total).error().code, Code::kDenied);
  EXPECT_EQ(node::PublishResources(*ledger_, 99, kAlice, total).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace trellis::ledger
