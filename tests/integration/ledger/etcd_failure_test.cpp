// What an etcd ledger does when members die, forget, or are asked from several machines at once.
#include "kernel/ledger/etcd/etcd_ledger.hpp"
#include "tests/conformance/ledger/race.hpp"
#include "tests/integration/ledger/flaky_proxy.hpp"
#include "tests/support/etcd/shared_cluster.hpp"
#include "tests/support/ledger_grid.hpp"
#include "tests/support/patience.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <set>
#include <thread>

namespace trellis::ledger {
namespace {

using namespace std::chrono_literals;

class EtcdFailures : public ::testing::Test, protected LedgerGrid<EtcdLedger> {
 protected:
  void SetUp() override {
    options_ = SharedCluster().NewLedger();
    options_.clock = &clock_;
    ledger_ = Open();
    ASSERT_TRUE(ledger_);
    BuildGrid();
  }

  std::unique_ptr<EtcdLedger> Open() {
    auto opened = EtcdLedger::Open(options_);
    return opened ? *std::move(opened) : nullptr;
  }

  EtcdOptions options_;
};

TEST_F(EtcdFailures, ThreeMachinesRaceForOneName) {
  auto const second = Open();
  auto const third = Open();

  auto const ids = Race({ledger_.get(), second.get(), third.get()},
                        [](unsigned) -> Call { return CreateNameContract{"mysite"}; });

  ASSERT_EQ(ids.size(), 1);
  EXPECT_EQ(second->NameContract("mysite").value(), *ids.begin());
  EXPECT_EQ(third->NameContract("mysite").value(), *ids.begin());
}

TEST_F(EtcdFailures, ThreeMachinesRaceForOneHash) {
  auto const second = Open();
  auto const third = Open();

  auto const ids =
      Race({ledger_.get(), second.get(), third.get()}, [](unsigned) -> Call { return Deploy(7); });

  EXPECT_EQ(ids.size(), 1);
  EXPECT_EQ(third->ListNodeContracts(kNode)->ids.size(), 1);
}

TEST_F(EtcdFailures, ThreeMachinesRaceForTheLastAddresses) {
  AddIps();
  auto const second = Open();
  auto const third = Open();

  auto const ids = Race({ledger_.get(), second.get(), third.get()},
                        [](unsigned i) -> Call { return Deploy(i, 1); });

  EXPECT_EQ(ids.size(), 3);
  std::set<std::uint64_t> holders;
  auto const farm = ledger_->GetFarm(kFarm);
  ASSERT_TRUE(farm) << farm.error().message;
  for (auto const& ip : farm->public_ips)
    holders.insert(ip.contract_id);
  EXPECT_EQ(holders, std::set(ids.begin(), ids.end()));
}

TEST_F(EtcdFailures, WritesOfThreeMachinesAreOneSequence) {
  auto const second = Open();
  auto const third = Open();
  auto const cursor = LastSeq();

  auto const ids = Race({ledger_.get(), second.get(), third.get()},
                        [](unsigned i) -> Call { return Deploy(i); });

  EXPECT_EQ(ids.size(), kRacers);
  EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), kRacers);
  auto const here = ledger_->EventsAfter(cursor, 1000);
  auto const there = third->EventsAfter(cursor, 1000);
  ASSERT_EQ(here->events.size(), kRacers);
  for (std::size_t i = 0; i < kRacers; ++i) {
    EXPECT_EQ(here->events[i].seq, cursor + 1 + i);
    EXPECT_EQ(there->events[i].contract, here->events[i].contract);
  }
}

TEST_F(EtcdFailures, LeaderKilledUnderLoadLosesNothing) {
  auto const leader = SharedCluster().Leader();
  ASSERT_TRUE(leader) << leader.error().message;
  std::atomic<unsigned> next = 0;
  std::atomic<int> done = 0;
  std::mutex mutex;
  std::vector<std::uint64_t> told;
  std::promise<void> under_way;
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 4; ++i) {
      writers.emplace_back([&] {
        for (auto hash = ++next; hash <= 200; hash = ++next) {
          auto const id = ledger_->Submit(By(kAlice), Deploy(hash));
          EXPECT_TRUE(id) << id.error().message;  // it waits for the new leader
          if (++done == 40) under_way.set_value();
          std::lock_guard const lock(mutex);
          if (id) told.push_back(*id);
        }
      });
    }
    under_way.get_future().wait();
    SharedCluster().Kill(*leader);
  }
  ASSERT_TRUE(SharedCluster().Restart(*leader));

  auto const stored = ledger_->ListNodeContracts(kNode);
  ASSERT_TRUE(stored) << stored.error().message;
  std::sort(told.begin(), told.end());
  EXPECT_EQ(told, stored->ids);  // nothing lost, nothing twice
  auto const events = ledger_->EventsAfter(0, 1000);
  EXPECT_EQ(events->events.size(), events->events.back().seq);
}

TEST_F(EtcdFailures, LostAnswerDoesNotRepeatTheWrite) {
  FlakyProxy proxy(SharedCluster().endpoint(0));
  options_.endpoints = {proxy.endpoint()};
  auto const there = Open();
  ASSERT_TRUE(there->Submit(By(kAlice), Deploy(1)));  // its connections are open
  auto const cursor = LastSeq();

  proxy.LoseNextCommit();
  auto const id = there->Submit(By(kAlice), CreateNameContract{"mysite"});

  EXPECT_EQ(proxy.lost(), 1);
  ASSERT_TRUE(id) << id.error().message;
  EXPECT_EQ(ledger_->NameContract("mysite").value(), *id);
  EXPECT_EQ(KindsAfter(cursor), std::vector<std::string>{"ContractCreated"});
}

TEST_F(EtcdFailures, LostAnswerIsFoundAlsoBehindWritesOfOthers) {
  FlakyProxy proxy(SharedCluster().endpoint(0));
  options_.endpoints = {proxy.endpoint()};
  auto const there = Open();
  auto const cursor = LastSeq();
  proxy.LoseNextCommit();  // on a new connection: the writer waits before it asks again
  auto writing = std::async(
      std::launch::async, [&] { return there->Submit(By(kAlice), CreateNameContract{"mysite"}); });
  ASSERT_TRUE(ledger_->Wait(cursor, testing::kPatience).value());

  ASSERT_NE(Id(By(kBob), CreateNameContract{"other"}), 0);

  auto const id = writing.get();
  ASSERT_TRUE(id) << id.error().message;
  EXPECT_EQ(ledger_->NameContract("mysite").value(), *id);
  EXPECT_EQ(KindsAfter(cursor).size(), 2);
}

TEST_F(EtcdFailures, WithoutAMajorityNothingIsKnown) {
  options_.timeout = 500ms;
  options_.read_patience = 500ms;
  options_.write_patience = 1s;
  auto const impatient = Open();
  auto const seq = LastSeq();
  SharedCluster().Kill(0);
  SharedCluster().Kill(1);

  auto const read = impatient->ListNodeContracts(kNode);
  auto const written = impatient->Submit(By(kAlice), Deploy(1));
  auto const waited = impatient->Wait(seq, 100ms);

  ASSERT_TRUE(SharedCluster().Restart(0));
  ASSERT_TRUE(SharedCluster().Restart(1));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kUnavailable);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::kUnavailable);
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, Code::kUnavailable);
  auto const end = std::chrono::steady_clock::now() + testing::kPatience;
  while (!impatient->GetTwin(kAlice) && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
  EXPECT_TRUE(impatient->GetTwin(kAlice)) << "it does not come back";
}

TEST_F(EtcdFailures, NewsComeAlsoAfterTheWatchedMemberDied) {
  auto const other = Open();
  auto const cursor = LastSeq();
  ASSERT_FALSE(ledger_->Wait(cursor, 200ms).value());  // the watch is at the first member
  SharedCluster().Kill(0);
  auto waiting =
      std::async(std::launch::async, [&] { return ledger_->Wait(cursor, testing::kPatience); });

  auto const id = other->Submit(By(kAlice), Deploy(1));

  EXPECT_TRUE(id) << id.error().message;
  EXPECT_TRUE(waiting.get().value());
  ASSERT_TRUE(SharedCluster().Restart(0));
}

TEST_F(EtcdFailures, CompactionForgetsNoEvent) {
  auto const cursor = LastSeq();
  ASSERT_NE(Id(By(kAlice), Deploy(1)), 0);
  ASSERT_FALSE(ledger_->Wait(LastSeq(), 100ms).value());  // a watch is on

  ASSERT_TRUE(SharedCluster().Compact());
  auto const other = Open();
  auto waiting = std::async(std::launch::async, [this, seq = LastSeq()] {
    return ledger_->Wait(seq, testing::kPatience);
  });
  ASSERT_TRUE(other->Submit(By(kAlice), Deploy(2)));

  EXPECT_TRUE(waiting.get().value());
  EXPECT_EQ(KindsAfter(cursor), (std::vector<std::string>{"ContractCreated", "ContractCreated"}));
}

TEST_F(EtcdFailures, LargestReportFitsIntoOneTransaction) {
  ReportResources report;
  std::vector<Call> calls;
  for (unsigned i = 0; i < kMaxBatch; ++i)
    calls.emplace_back(Deploy(i));
  auto const ids = ledger_->SubmitAll(By(kAlice), calls);
  ASSERT_TRUE(ids) << ids.error().message;
  for (unsigned i = 0; i < kMaxReports; ++i)
    report.resources.push_back(
        {.contract = (*ids)[i % ids->size()], .hru = 0, .sru = 0, .cru = i, .mru = 0});

  EXPECT_EQ(Name(By(kNodeTwin), report), "");
  EXPECT_EQ(ledger_->ReportedResources(ids->back())->cru, kMaxReports - 1);
}

TEST_F(EtcdFailures, ValuesTooLargeForEtcdAreRefused) {
  auto call = Deploy(1);
  call.data = std::string(kMaxDataBytes, '"');  // twice as long inside the contract's JSON

  EXPECT_EQ(Name(By(kAlice), call), "ValueTooLong");
}

TEST_F(EtcdFailures, LedgersOfOtherPrefixesAreOthers) {
  auto const genesis = ledger_->Genesis();
  options_ = SharedCluster().NewLedger();
  auto const other = Open();

  EXPECT_EQ(other->GetTwin(kAlice).error().code, Code::kNotFound);
  EXPECT_EQ(other->Genesis().error().code, Code::kNotFound);
  ASSERT_TRUE(other->Submit(By(0), CreateTwin{.account = AccountOf(1), .relay = {}, .pk = {}}));
  EXPECT_NE(other->Genesis().value(), genesis.value());
}

}  // namespace
}  // namespace trellis::ledger
