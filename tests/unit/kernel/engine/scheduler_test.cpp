#include "kernel/engine/scheduler.hpp"

#include "tests/support/fake_clock.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace trellis::engine {
namespace {

using store::JobKind;

Ticket ATicket(std::int64_t job, std::uint32_t twin, std::uint64_t contract,
               JobKind kind = JobKind::kApply) {
  Ticket ticket;
  ticket.job = job;
  ticket.key = {twin, contract};
  ticket.kind = kind;
  return ticket;
}

class SchedulerTest : public ::testing::Test {
 protected:
  /// A further worker takes a turn.
  std::optional<Turn> Next() {
    std::unique_lock lock(workers_mutex_);
    auto& worker = *workers_.emplace_back(std::make_unique<Worker>());
    lock.unlock();
    return scheduler_.Next(worker);
  }
  std::int64_t NextJob() {
    auto const turn = Next();
    return turn.has_value() ? turn->ticket.job : 0;
  }
  /// The worker of an earlier turn, counted from 0, comes back for another one.
  std::int64_t NextJobOf(std::size_t worker) {
    auto const turn = scheduler_.Next(*workers_[worker]);
    return turn.has_value() ? turn->ticket.job : 0;
  }
  /// Begins a job, and its worker comes back when it waits for the store.
  void Begin(Ticket const& ticket, std::shared_ptr<Runnable> const& job) {
    scheduler_.Add(ticket);
    EXPECT_EQ(NextJob(), ticket.job);
    scheduler_.Resume(ticket.key, job);
  }
  std::vector<std::int64_t> NextJobs(int count) {
    std::vector<std::int64_t> jobs(static_cast<std::size_t>(count));
    std::generate(jobs.begin(), jobs.end(), [this] { return NextJob(); });
    return jobs;
  }
  void Done(std::uint32_t twin, std::uint64_t contract) {
    scheduler_.Done({twin, contract}, std::nullopt);
  }
  Ticket In(Ticket ticket, std::chrono::seconds wait) {
    ticket.not_before_ns = clock_.MonotonicNs() + std::chrono::nanoseconds(wait).count();
    return ticket;
  }

  testing::FakeClock clock_;
  std::mutex workers_mutex_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Scheduler scheduler_{clock_, {.workers = 8}};
};

struct Nothing final : Runnable {
  void Advance(Worker&) override {}
};

TEST_F(SchedulerTest, RunsJobsOfOneDeploymentOneAfterTheOther) {
  scheduler_.Add(ATicket(1, 7, 100));
  scheduler_.Add(ATicket(2, 7, 100));
  scheduler_.Add(ATicket(3, 8, 100));

  EXPECT_EQ(NextJobs(2), (std::vector<std::int64_t>{1, 3})) << "another deployment goes on";
  Done(7, 100);
  EXPECT_EQ(NextJob(), 2);
}

TEST_F(SchedulerTest, LeavesHalfOfTheWorkersToOtherTwins) {
  for (std::int64_t i = 1; i <= 6; ++i)
    scheduler_.Add(ATicket(i, 7, static_cast<std::uint64_t>(i)));
  scheduler_.Add(ATicket(9, 8, 1));

  auto jobs = NextJobs(5);
  std::sort(jobs.begin(), jobs.end());
  EXPECT_EQ(jobs, (std::vector<std::int64_t>{1, 2, 3, 4, 9}));
}

TEST_F(SchedulerTest, CountsNoJobThatOnlyHasToBeStored) {
  for (std::int64_t i = 1; i <= 5; ++i)
    scheduler_.Add(ATicket(i, 7, static_cast<std::uint64_t>(i)));
  (void)NextJobs(4);

  EXPECT_EQ(NextJobOf(2), 5);
}

TEST_F(SchedulerTest, GoesOnWithABegunJobBeforeItBeginsAnother) {
  scheduler_.Add(ATicket(1, 7, 1));
  EXPECT_EQ(NextJob(), 1);
  scheduler_.Add(ATicket(2, 7, 2));
  auto const job = std::make_shared<Nothing>();
  scheduler_.Resume({7, 1}, job);

  EXPECT_EQ(Next()->job, job);
  EXPECT_EQ(NextJob(), 2);
}

TEST_F(SchedulerTest, ServesTwinsInTurn) {
  for (std::int64_t i = 1; i <= 3; ++i) {
    scheduler_.Add(ATicket(i, 7, static_cast<std::uint64_t>(i)));
    scheduler_.Add(ATicket(10 + i, 8, static_cast<std::uint64_t>(i)));
  }

  EXPECT_EQ(NextJobs(4), (std::vector<std::int64_t>{1, 11, 2, 12}));
}

TEST_F(SchedulerTest, ChangesASharableAlone) {
  auto user = ATicket(1, 7, 100);
  user.uses = {"net"};
  auto second_user = ATicket(3, 7, 102);
  second_user.uses = {"net"};
  auto owner = ATicket(4, 7, 101);
  owner.changes = {"net"};
  scheduler_.Add(user);
  scheduler_.Add(second_user);
  EXPECT_EQ(NextJobs(2), (std::vector<std::int64_t>{1, 3})) << "users do not exclude each other";

  scheduler_.Add(owner);
  Done(7, 100);
  scheduler_.Add(ATicket(5, 9, 1));
  EXPECT_EQ(NextJob(), 5) << "one user is still there";
  Done(7, 102);
  EXPECT_EQ(NextJob(), 4);
}

TEST_F(SchedulerTest, LetsNoNewUserOvertakeTheOwnerThatWaits) {
  auto user = ATicket(1, 7, 100);
  user.uses = {"net"};
  auto owner = ATicket(2, 7, 101);
  owner.changes = {"net"};
  auto late = ATicket(3, 7, 102);
  late.uses = {"net"};
  scheduler_.Add(user);
  EXPECT_EQ(NextJob(), 1);
  scheduler_.Add(owner);
  scheduler_.Add(late);
  Done(7, 100);

  EXPECT_EQ(NextJob(), 2);
}

TEST_F(SchedulerTest, CallsNoPluginMoreOftenThanItBears) {
  std::vector<std::shared_ptr<Nothing>> jobs;
  for (std::int64_t i = 1; i <= 3; ++i) {
    auto ticket = ATicket(i, static_cast<std::uint32_t>(i), 1);
    ticket.slots = {{.place = 3, .limit = 2}};
    scheduler_.Add(ticket);
    jobs.push_back(std::make_shared<Nothing>());
  }
  EXPECT_EQ(NextJobs(3), (std::vector<std::int64_t>{1, 2, 3})) << "to begin calls nobody";
  for (std::uint32_t i = 1; i <= 3; ++i)
    scheduler_.Resume({i, 1}, jobs[i - 1]);

  EXPECT_EQ(Next()->job, jobs[0]);
  EXPECT_EQ(Next()->job, jobs[1]);
  scheduler_.Add(ATicket(4, 4, 1));
  EXPECT_EQ(NextJob(), 4);
  EXPECT_EQ(scheduler_.Next(*workers_[3])->job, jobs[2]) << "a call is over";
}

TEST_F(SchedulerTest, BeginsASuspectOnlyWhenItCanRunAtOnce) {
  for (std::int64_t i = 1; i <= 3; ++i) {
    auto ticket = ATicket(i, static_cast<std::uint32_t>(i), 1);
    ticket.slots = {{.place = 0, .limit = 2}};
    ticket.suspect = true;
    scheduler_.Add(ticket);
  }
  scheduler_.Add(ATicket(4, 4, 1));
  EXPECT_EQ(NextJobs(3), (std::vector<std::int64_t>{1, 2, 4}));

  Done(1, 1);
  EXPECT_EQ(NextJob(), 3);
}

TEST_F(SchedulerTest, BeginsOnlySoManyJobsOfATwin) {
  Scheduler many(clock_, {.workers = 64});
  std::vector<std::unique_ptr<Worker>> workers;
  auto const next = [&] {
    return many.Next(*workers.emplace_back(std::make_unique<Worker>()))->ticket.job;
  };
  for (std::int64_t i = 1; i <= 20; ++i)
    many.Add(ATicket(i, 7, static_cast<std::uint64_t>(i)));
  for (std::int64_t i = 1; i <= 16; ++i)
    EXPECT_EQ(next(), i);
  many.Add(ATicket(30, 8, 1));

  EXPECT_EQ(next(), 30);
  many.Done({7, 3}, std::nullopt);
  EXPECT_EQ(next(), 17);
}

TEST_F(SchedulerTest, KeepsTheSlotOfAnOperationThatHangs) {
  std::vector<std::shared_ptr<Nothing>> jobs;
  for (std::int64_t i = 1; i <= 2; ++i) {
    auto ticket = ATicket(i, static_cast<std::uint32_t>(i), 1);
    ticket.slots = {{.place = 0, .limit = 1}};
    jobs.push_back(std::make_shared<Nothing>());
    Begin(ticket, jobs.back());
    if (i == 1) {
      EXPECT_EQ(Next()->job, jobs[0]);
    }
  }
  scheduler_.Wedge({1, 1}, *workers_[1]);
  scheduler_.Add(ATicket(3, 3, 1));
  scheduler_.Add(ATicket(4, 1, 1));

  EXPECT_EQ(NextJob(), 3) << "neither the other user of the plugin, nor its own deployment";
  EXPECT_EQ(scheduler_.wedged(), 1U);
}

TEST_F(SchedulerTest, KeepsTheOrderBehindAParkedApply) {
  scheduler_.Add(In(ATicket(1, 7, 100), std::chrono::hours(1)));
  scheduler_.Add(ATicket(2, 7, 100));
  scheduler_.Add(ATicket(3, 8, 100));
  EXPECT_EQ(NextJob(), 3);

  scheduler_.Add(ATicket(4, 7, 100, JobKind::kRemove));
  EXPECT_EQ(NextJob(), 4) << "a removal overtakes";
}

TEST_F(SchedulerTest, LetsOthersPassAParkedRepair) {
  auto repair = In(ATicket(1, 7, 100, JobKind::kRepair), std::chrono::seconds(10));
  repair.target = "vm";
  scheduler_.Add(repair);
  scheduler_.Add(ATicket(2, 7, 100));

  EXPECT_EQ(NextJob(), 2);
  Done(7, 100);
  clock_.Advance(std::chrono::seconds(10));
  EXPECT_EQ(NextJob(), 1);
}

TEST_F(SchedulerTest, PutsARestoreBeforeWhatWasQueued) {
  scheduler_.Add(ATicket(1, 7, 100));
  scheduler_.Add(ATicket(2, 7, 100, JobKind::kRestore));

  EXPECT_EQ(NextJob(), 2);
}

TEST_F(SchedulerTest, WakesAWorkerWhenTheTimeHasCome) {
  scheduler_.Add(In(ATicket(1, 7, 100), std::chrono::seconds(5)));
  std::int64_t job = 0;
  std::jthread worker([&] { job = NextJob(); });

  clock_.Advance(std::chrono::seconds(5));
  worker.join();

  EXPECT_EQ(job, 1);
}

TEST_F(SchedulerTest, QueuesAgainWhatIsNotDone) {
  auto const ticket = ATicket(1, 7, 100);
  scheduler_.Add(ticket);
  EXPECT_EQ(NextJob(), 1);

  scheduler_.Done({7, 100}, In(ticket, std::chrono::seconds(5)));
  EXPECT_EQ(scheduler_.DepthOf({7, 100}).deployment, 1U);
  clock_.Advance(std::chrono::seconds(5));
  EXPECT_EQ(NextJob(), 1);
}

TEST_F(SchedulerTest, StopsWaitingWorkers) {
  std::int64_t job = -1;
  std::jthread worker([&] { job = NextJob(); });

  scheduler_.Stop();
  worker.join();

  EXPECT_EQ(job, 0);
}

TEST_F(SchedulerTest, CancelsTheRunningJobOfADeployment) {
  scheduler_.Add(ATicket(1, 7, 100));
  auto const turn = Next();

  scheduler_.CancelRunning({7, 101});
  EXPECT_FALSE(turn->stopper->stopped());
  auto const call = turn->stopper->NewCall();
  scheduler_.CancelRunning({7, 100});
  EXPECT_TRUE(turn->stopper->stopped());
  EXPECT_TRUE(call->cancelled());
  EXPECT_TRUE(turn->stopper->NewCall()->cancelled());
}

TEST_F(SchedulerTest, KeepsNoPlaceThatWasGivenBack) {
  Scheduler small(clock_, {.workers = 1, .queue_deployment = 1});
  EXPECT_TRUE(small.Admit({7, 100}));
  EXPECT_FALSE(small.Admit({7, 100}));
  small.Withdraw({7, 100});
  EXPECT_TRUE(small.Admit({7, 100}));
  small.Add(ATicket(1, 7, 100), /*admitted=*/true);
  EXPECT_FALSE(small.Admit({7, 100}));

  Worker worker;
  (void)small.Next(worker);
  EXPECT_TRUE(small.Admit({7, 100})) << "what runs is not queued";
}

TEST_F(SchedulerTest, DropsQueuedJobs) {
  scheduler_.Add(ATicket(1, 7, 100));
  scheduler_.Add(ATicket(2, 7, 100));
  EXPECT_EQ(NextJob(), 1);

  scheduler_.Drop({7, 100}, {1, 2});

  EXPECT_EQ(scheduler_.DepthOf({7, 100}).deployment, 1U) << "the running one is left alone";
}

TEST_F(SchedulerTest, LetsUsersOfASharableWaitForItsFirstRestore) {
  auto user = ATicket(1, 7, 1, JobKind::kRestore);
  user.uses = {"net"};
  auto owner = ATicket(2, 7, 2, JobKind::kRestore);
  owner.changes = {"net"};
  scheduler_.Add(user);
  scheduler_.Add(owner);

  EXPECT_EQ(NextJob(), 2);
  scheduler_.Done({7, 2}, In(owner, std::chrono::seconds(10)));
  EXPECT_EQ(NextJob(), 1) << "it was tried at least";
}

}  // namespace
}  // namespace trellis::engine
