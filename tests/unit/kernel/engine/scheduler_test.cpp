#include "kernel/engine/scheduler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
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

TEST(Scheduler, RunsJobsOfOneDeploymentOneAfterTheOther) {
  Scheduler scheduler(8);
  scheduler.Add(ATicket(1, 7, 100));
  scheduler.Add(ATicket(2, 7, 100));
  std::stop_source stop;

  auto const first = scheduler.Next(stop.get_token());
  EXPECT_EQ(first->job, 1);
  scheduler.Add(ATicket(3, 8, 100));
  auto const other = scheduler.Next(stop.get_token());
  EXPECT_EQ(other->job, 3) << "another deployment goes on meanwhile";
  scheduler.Done(*first);
  EXPECT_EQ(scheduler.Next(stop.get_token())->job, 2);
}

TEST(Scheduler, LeavesHalfOfTheWorkersToOtherTwins) {
  Scheduler scheduler(4);
  for (std::int64_t i = 1; i <= 4; ++i)
    scheduler.Add(ATicket(i, 7, static_cast<std::uint64_t>(i)));
  scheduler.Add(ATicket(9, 8, 1));
  std::stop_source stop;

  std::vector<std::int64_t> running;
  for (int i = 0; i < 3; ++i)
    running.push_back(scheduler.Next(stop.get_token())->job);

  std::sort(running.begin(), running.end());
  EXPECT_EQ(running, (std::vector<std::int64_t>{1, 2, 9}));
}

TEST(Scheduler, ChangesASharableAlone) {
  Scheduler scheduler(8);
  auto user = ATicket(1, 7, 100);
  user.uses = {"net"};
  auto owner = ATicket(2, 7, 101);
  owner.changes = {"net"};
  auto second_user = ATicket(3, 7, 102);
  second_user.uses = {"net"};
  scheduler.Add(user);
  scheduler.Add(second_user);
  std::stop_source stop;

  auto const a = scheduler.Next(stop.get_token());
  auto const b = scheduler.Next(stop.get_token());
  scheduler.Add(owner);
  scheduler.Done(*a);
  scheduler.Add(ATicket(4, 9, 1));
  EXPECT_EQ(scheduler.Next(stop.get_token())->job, 4) << "one reader is still there";
  scheduler.Done(*b);
  EXPECT_EQ(scheduler.Next(stop.get_token())->job, 2);
}

TEST(Scheduler, KeepsTheOrderBehindAParkedApply) {
  Scheduler scheduler(8);
  auto parked = ATicket(1, 7, 100);
  parked.not_before = std::chrono::steady_clock::now() + std::chrono::hours(1);
  scheduler.Add(parked);
  scheduler.Add(ATicket(2, 7, 100));
  scheduler.Add(ATicket(3, 8, 100));
  std::stop_source stop;

  EXPECT_EQ(scheduler.Next(stop.get_token())->job, 3);
  scheduler.Add(ATicket(4, 7, 100, JobKind::kRemove));
  EXPECT_EQ(scheduler.Next(stop.get_token())->job, 4) << "a removal overtakes";
}

TEST(Scheduler, StopsWaitingWorkers) {
  Scheduler scheduler(2);
  std::optional<Ticket> ticket = ATicket(1, 1, 1);
  std::jthread worker([&](std::stop_token stop) { ticket = scheduler.Next(std::move(stop)); });

  worker.request_stop();
  worker.join();

  EXPECT_FALSE(ticket.has_value());
}

TEST(Scheduler, CancelsTheRunningJobOfADeployment) {
  Scheduler scheduler(2);
  scheduler.Add(ATicket(1, 7, 100));
  std::stop_source stop;
  auto const running = scheduler.Next(stop.get_token());

  scheduler.CancelRunning({7, 101});
  EXPECT_FALSE(running->cancel->cancelled());
  scheduler.CancelRunning({7, 100});
  EXPECT_TRUE(running->cancel->cancelled());
}

}  // namespace
}  // namespace trellis::engine
