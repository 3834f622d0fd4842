// Ends a writing process without warning, and takes the file away.
#include "tests/unit/kernel/ledger/world.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

namespace trellis::ledger {
namespace {

using Crash = World;

/// Child: makes contracts until it is killed, telling each id it got.
[[noreturn]] void WriteUntilKilled(std::filesystem::path const& path, int tell, unsigned first) {
  auto ledger = EmbeddedLedger::Open(path);
  for (unsigned i = first; ledger; ++i) {
    auto const id = (*ledger)->Submit(
        By(kAlice),
        CreateNodeContract{
            .node = kNode, .hash = Hash(i), .data = "", .public_ips = 0, .solution_provider = {}});
    if (id && ::write(tell, &*id, sizeof(*id)) != sizeof(*id)) break;
  }
  ::_exit(1);
}

TEST_F(Crash, KilledWriterLosesNothingItWasTold) {
  std::vector<std::uint64_t> told;
  for (unsigned round = 0; round < 5; ++round) {
    ledger_.reset();  // no threads of ours across fork
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    pid_t const child = ::fork();
    if (child == 0) WriteUntilKilled(path(), ends[1], 1000 * (round + 1));
    ::close(ends[1]);
    std::uint64_t id = 0;
    for (unsigned i = 0; i < 10 + round && ::read(ends[0], &id, sizeof(id)) == sizeof(id); ++i)
      told.push_back(id);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    while (::read(ends[0], &id, sizeof(id)) == sizeof(id))
      told.push_back(id);
    ::close(ends[0]);
    Reopen();
  }

  ASSERT_GE(told.size(), 50);
  auto const stored = ledger_->ListNodeContracts(kNode)->ids;
  for (auto const id : told)
    EXPECT_NE(std::find(stored.begin(), stored.end(), id), stored.end()) << id;
  EXPECT_EQ(std::adjacent_find(told.begin(), told.end(), std::greater_equal<>()), told.end());
  auto const created = KindsAfter(0);
  EXPECT_EQ(std::count(created.begin(), created.end(), "ContractCreated"),
            static_cast<std::ptrdiff_t>(stored.size()));
}

TEST_F(Crash, EverythingIsThereAfterReopening) {
  auto const id = Id(By(kAlice), Deploy(1));
  auto const genesis = ledger_->genesis();
  auto const height = ledger_->GetHead()->height;

  Reopen();

  EXPECT_TRUE(ledger_->GetContract(id));
  EXPECT_EQ(ledger_->genesis(), genesis);
  EXPECT_EQ(ledger_->GetHead()->height, height);
}

TEST_F(Crash, ListingIsUnavailableWithoutTheFileNeverEmpty) {
  Reopen();  // no read connection is open yet
  std::filesystem::rename(path(), dir_ / "elsewhere");

  auto const contracts = ledger_->ListNodeContracts(kNode);

  ASSERT_FALSE(contracts);
  EXPECT_EQ(contracts.error().code, Code::kUnavailable);
}

TEST(EmbeddedLedger, IsUnavailableWhenTheFolderIsMissing) {
  auto const opened = EmbeddedLedger::Open("/nonexistent/ledger.db");

  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kUnavailable);
}

}  // namespace
}  // namespace trellis::ledger
