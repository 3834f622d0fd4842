// The ledger in one SQLite file, for one machine. Several processes may have it open (daemon and
// tool).
#pragma once

#include "kernel/base/clock.hpp"
#include "kernel/ledger/embedded/block_maker.hpp"
#include "kernel/ledger/embedded/import.hpp"
#include "kernel/ledger/embedded/txn.hpp"
#include "kernel/ledger/hosted_ledger.hpp"
#include "kernel/store/readers.hpp"
#include "kernel/store/writer.hpp"
#include "kernel/sys/wake_file.hpp"

#include <trellis/result.hpp>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace trellis::ledger {

struct EmbeddedOptions {
  bool allow_private_ips = true;
  std::int64_t keep_deleted_days = 30;  ///< how long deleted contracts and events stay
  Clock const* clock = nullptr;  ///< borrowed for the life of the ledger; null = system clock
};

/// See Ledger. Writes are committed in groups by a thread named `ledger`.
class EmbeddedLedger final : public HostedLedger {
 public:
  /// Opens or creates the file; `<path>-wake` beside it tells other processes of news. kUnavailable
  /// when it cannot, kConflict when a newer version wrote it.
  static Result<std::unique_ptr<EmbeddedLedger>> Open(std::filesystem::path const& path,
                                                      EmbeddedOptions const& options = {});
  /// No Wait may be running: Interrupt, then join the waiting threads, first.
  ~EmbeddedLedger() override = default;

  Result<Twin> GetTwin(std::uint32_t id) override;
  Result<std::uint32_t> TwinByAccount(Account const& account) override;
  Result<Contract> GetContract(std::uint64_t id) override;
  Result<NodeContracts> ListNodeContracts(std::uint32_t node) override;
  Result<std::optional<std::uint64_t>> RentContract(std::uint32_t node) override;
  Result<std::uint64_t> NameContract(std::string_view name) override;
  Result<std::uint64_t> ContractByHash(std::uint32_t node, std::string_view hash) override;
  Result<Farm> GetFarm(std::uint32_t id) override;
  Result<Node> GetNode(std::uint32_t id) override;
  Result<std::uint32_t> NodeByTwin(std::uint32_t twin) override;
  Result<std::vector<std::uint32_t>> ListNodes(std::uint32_t farm) override;
  Result<Head> GetHead() override;
  Result<EventPage> EventsAfter(std::uint64_t cursor, std::size_t limit) override;
  Result<bool> Wait(std::uint64_t cursor, std::chrono::milliseconds timeout) override;
  void Interrupt() override;
  Result<std::uint64_t> Submit(Caller const& caller, Call const& call) override;
  Result<std::vector<std::uint64_t>> SubmitAll(Caller const& caller,
                                               std::vector<Call> const& calls) override;
  [[nodiscard]] Abilities abilities() const override { return {}; }

  Result<Account> Genesis() override { return genesis_; }
  Result<std::vector<std::uint32_t>> ListTwins(std::uint32_t after, std::size_t limit) override;
  Result<std::vector<std::uint32_t>> ListFarms(std::uint32_t after, std::size_t limit) override;
  Result<std::vector<std::uint64_t>> ListTwinContracts(std::uint32_t twin, std::uint64_t after,
                                                       std::size_t limit) override;
  Result<std::vector<Contract>> History(std::uint64_t before, std::size_t limit) override;
  Result<ContractResources> ReportedResources(std::uint64_t contract) override;
  Result<std::uint64_t> ReportedNru(std::uint64_t contract) override;

  // ---- beyond the interface: for the tool and the chain façade ----
  /// As Genesis().
  [[nodiscard]] Account const& genesis() const { return genesis_; }
  /// Everything or nothing, in one transaction. Twins that are there with the same account are
  /// skipped.
  Result<ImportCounts> Import(ImportData const& data);

  // ---- for the chain façade, which is a part of this ledger ----
  /// The file that every write of any process touches (sys::WakeWaiter).
  [[nodiscard]] std::filesystem::path const& wake_path() const { return wake_path_; }
  /// Runs `work` as one write with a block of its own; durable when it returns. An error undoes it.
  /// It may run more than once.
  Result<void> Transact(Caller const& caller,
                        std::function<Result<void>(embedded::Txn&)> const& work) {
    return Write(caller, Share::kOwnBlock, work);
  }
  /// Runs `read(store::Database&)`, which gives a Result, on one snapshot.
  template <class Read>
  auto Snapshot(Read read) -> decltype(read(std::declval<store::Database&>())) {
    return Query(std::move(read));
  }

 private:
  EmbeddedLedger(std::filesystem::path const& path, EmbeddedOptions const& options,
                 Account const& genesis, std::shared_ptr<embedded::BlockMaker> blocks,
                 std::unique_ptr<store::Writer> writer, sys::InterruptFlag interrupt);

  /// No refusal has the class kIo: it is the file that cannot be used now.
  static Error Unavailable(Error error);
  template <class Read>
  auto Query(Read read) -> decltype(read(std::declval<store::Database&>())) {
    TRELLIS_CHECK(Answers());
    return readers_.Run(std::move(read)).map_error(Unavailable);
  }
  /// It always does, but for tests that want to know what happens without a ledger.
  static Result<void> Answers();
  /// Writes that are committed together are one block, but for those that want their own.
  enum class Share : std::uint8_t { kBlock, kOwnBlock };
  /// Runs `work` as one write.
  Result<void> Write(Caller const& caller, Share share,
                     std::function<Result<void>(embedded::Txn&)> const& work);

  std::filesystem::path wake_path_;
  Account const genesis_;
  Clock const* clock_;
  store::Readers readers_;
  std::unique_ptr<store::Writer> writer_;
  std::shared_ptr<embedded::BlockMaker> blocks_;  // shared with the writer's thread
  sys::InterruptFlag interrupt_;
  std::atomic<bool> interrupted_ = false;
};

}  // namespace trellis::ledger
