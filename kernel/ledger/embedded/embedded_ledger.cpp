#include "kernel/ledger/embedded/embedded_ledger.hpp"

#include "kernel/base/fail_point.hpp"
#include "kernel/ledger/embedded/blocks.hpp"
#include "kernel/ledger/embedded/schema.hpp"
#include "kernel/ledger/embedded/tables.hpp"
#include "kernel/ledger/rules/refusal.hpp"
#include "kernel/store/query.hpp"

#include <algorithm>
#include <utility>

namespace trellis::ledger {
namespace {

using embedded::Txn;
using rules::Ids;
using rules::Refuse;
using store::Database;
using store::Statement;

constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr std::size_t kMaxPage = 10'000;
// A writer that dies between its commit and its wake-up delays others by no more than this.
constexpr std::chrono::milliseconds kWaitSlice{5000};

std::uint64_t FirstId(Statement const& row) {
  return row.Uint(0);
}

std::uint32_t FirstId32(Statement const& row) {
  return static_cast<std::uint32_t>(row.Uint(0));
}

Clock const* ClockOf(EmbeddedOptions const& options) {
  static SystemClock const kSystemClock;
  return options.clock != nullptr ? options.clock : &kSystemClock;
}

Result<Account> ReadGenesis(Database& db) {
  TRELLIS_TRY(auto const text, store::One(db, "SELECT value FROM meta WHERE key = 'genesis'",
                                          [](Statement const& row) { return row.Text(0); }));
  return Account::Parse(text.value_or(""));
}

}  // namespace

Error EmbeddedLedger::Unavailable(Error error) {
  if (error.code != Code::kIo) return error;
  error.code = Code::kUnavailable;
  return std::move(error).With("ledger is unavailable");
}

EmbeddedLedger::EmbeddedLedger(std::filesystem::path const& path, EmbeddedOptions const& options,
                               Account const& genesis, std::shared_ptr<embedded::BlockMaker> blocks,
                               std::unique_ptr<store::Writer> writer, sys::InterruptFlag interrupt)
    : wake_path_(path.native() + "-wake"),
      genesis_(genesis),
      clock_(ClockOf(options)),
      readers_(path),
      writer_(std::move(writer)),
      blocks_(std::move(blocks)),
      interrupt_(std::move(interrupt)) {}

Result<std::unique_ptr<EmbeddedLedger>> EmbeddedLedger::Open(std::filesystem::path const& path,
                                                             EmbeddedOptions const& options) {
  TRELLIS_TRY(auto database,
              Database::Open(path, Database::Mode::kReadWrite).map_error(Unavailable));
  TRELLIS_CHECK(embedded::Migrate(*database).map_error(Unavailable));
  TRELLIS_TRY(auto const genesis, ReadGenesis(*database).map_error(Unavailable));
  TRELLIS_TRY(auto opened, sys::WakeFile::Open(path.native() + "-wake"));
  TRELLIS_TRY(auto interrupt, sys::InterruptFlag::Make());
  auto const wake = std::make_shared<sys::WakeFile>(std::move(opened));
  auto blocks = std::make_shared<embedded::BlockMaker>(
      *ClockOf(options), options.keep_deleted_days * kSecondsPerDay,
      rules::PrivateRanges{options.allow_private_ips});
  store::WriterOptions writing;
  writing.repeatable = true;
  writing.begin = [blocks](Database& db) { return blocks->Begin(db); };
  writing.end = [blocks](Database& db) { return blocks->End(db); };
  writing.committed = [wake] { wake->Notify(); };
  auto writer = store::Writer::Start(std::move(database), "ledger", std::move(writing));
  return std::unique_ptr<EmbeddedLedger>(
      new EmbeddedLedger(path, options, genesis, std::move(blocks), std::move(writer),  // NOLINT
                         std::move(interrupt)));
}

Result<void> EmbeddedLedger::Answers() {
  TRELLIS_FAIL_POINT("ledger.away");
  return {};
}

Result<void> EmbeddedLedger::Write(Caller const& caller, Share share,
                                   std::function<Result<void>(Txn&)> const& work) {
  TRELLIS_CHECK(Answers());
  return writer_
      ->Commit([&](Database& db) {
        return share == Share::kBlock ? blocks_->Write(db, caller, work)
                                      : blocks_->WriteOwn(db, caller, work);
      })
      .map_error(Unavailable);
}

Result<std::uint64_t> EmbeddedLedger::Submit(Caller const& caller, Call const& call) {
  std::uint64_t id = 0;
  TRELLIS_CHECK(Write(caller, Share::kBlock, [&](Txn& txn) -> Result<void> {
    TRELLIS_TRY(id, embedded::Apply(txn, call));
    return {};
  }));
  return id;
}

Result<Ids> EmbeddedLedger::SubmitAll(Caller const& caller, std::vector<Call> const& calls) {
  Ids ids;
  TRELLIS_CHECK(Write(caller, Share::kBlock, [&](Txn& txn) -> Result<void> {
    TRELLIS_TRY(ids, embedded::Apply(txn, calls));
    return {};
  }));
  return ids;
}

Result<ImportCounts> EmbeddedLedger::Import(ImportData const& data) {
  ImportCounts counts;
  Caller const tool{.twin = 0, .admin = true, .request_id = ""};
  TRELLIS_CHECK(Write(tool, Share::kBlock, [&](Txn& txn) -> Result<void> {
    TRELLIS_TRY(counts, embedded::Apply(txn, data));
    return {};
  }));
  return counts;
}

Result<bool> EmbeddedLedger::Wait(std::uint64_t cursor, std::chrono::milliseconds timeout) {
  auto const deadline = std::chrono::steady_clock::now() + timeout;
  // Watch before looking: a write in between then ends the wait.
  TRELLIS_TRY(auto waiter, sys::WakeWaiter::Open(wake_path_));
  for (;;) {
    TRELLIS_TRY(auto const last, Query(embedded::ReadLastSeq));
    if (last > cursor) return true;
    auto const left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (interrupted_ || left.count() <= 0) return false;
    TRELLIS_CHECK(waiter.Wait(std::min(left, kWaitSlice), interrupt_.fd()));
  }
}

void EmbeddedLedger::Interrupt() {
  interrupted_ = true;
  interrupt_.Set();
}

Result<Twin> EmbeddedLedger::GetTwin(std::uint32_t id) {
  return Query([&](Database& db) { return embedded::ReadTwin(db, id); });
}

Result<std::uint32_t> EmbeddedLedger::TwinByAccount(Account const& account) {
  TRELLIS_TRY(auto const id,
              Query([&](Database& db) { return embedded::FindTwinByAccount(db, account); }));
  if (!id) return Refuse("TwinNotExists", "the account has no twin");
  return *id;
}

Result<Contract> EmbeddedLedger::GetContract(std::uint64_t id) {
  TRELLIS_FAIL_POINT("ledger.contract");
  return Query([&](Database& db) { return embedded::ReadContract(db, id); });
}

Result<NodeContracts> EmbeddedLedger::ListNodeContracts(std::uint32_t node) {
  return Query([&](Database& db) -> Result<NodeContracts> {
    NodeContracts contracts;
    TRELLIS_TRY(contracts.ids, embedded::ListNodeContractIds(db, node));
    TRELLIS_TRY(contracts.grace, embedded::ListGraceContractIds(db, node));
    TRELLIS_TRY(contracts.height, embedded::ReadHeight(db));
    return contracts;
  });
}

Result<std::optional<std::uint64_t>> EmbeddedLedger::RentContract(std::uint32_t node) {
  return Query([&](Database& db) { return embedded::FindRentContract(db, node); });
}

Result<std::uint64_t> EmbeddedLedger::NameContract(std::string_view name) {
  TRELLIS_TRY(auto const id,
              Query([&](Database& db) { return embedded::FindNameContract(db, name); }));
  if (!id) return Refuse("ContractNotExists", "name '{}' is not reserved", name);
  return *id;
}

Result<std::uint64_t> EmbeddedLedger::ContractByHash(std::uint32_t node, std::string_view hash) {
  TRELLIS_TRY(auto const id,
              Query([&](Database& db) { return embedded::FindContractByHash(db, node, hash); }));
  if (!id) return Refuse("ContractNotExists", "no contract of node {} has this hash", node);
  return *id;
}

Result<Farm> EmbeddedLedger::GetFarm(std::uint32_t id) {
  return Query([&](Database& db) { return embedded::ReadFarm(db, id); });
}

Result<Node> EmbeddedLedger::GetNode(std::uint32_t id) {
  return Query([&](Database& db) { return embedded::ReadNode(db, id); });
}

Result<std::uint32_t> EmbeddedLedger::NodeByTwin(std::uint32_t twin) {
  TRELLIS_TRY(auto const id,
              Query([&](Database& db) { return embedded::FindNodeByTwin(db, twin); }));
  if (!id) return Refuse("NodeNotExists", "twin {} has no node", twin);
  return *id;
}

Result<std::vector<std::uint32_t>> EmbeddedLedger::ListNodes(std::uint32_t farm) {
  return Query([&](Database& db) {
    return store::All(db, "SELECT id FROM node WHERE farm = ?1 ORDER BY id", FirstId32, farm);
  });
}

Result<Head> EmbeddedLedger::GetHead() {
  return Query([&](Database& db) -> Result<Head> {
    Head head;
    head.time = clock_->UnixSeconds();
    TRELLIS_TRY(head.height, embedded::ReadHeight(db));
    TRELLIS_TRY(head.last_seq, embedded::ReadLastSeq(db));
    return head;
  });
}

Result<EventPage> EmbeddedLedger::EventsAfter(std::uint64_t cursor, std::size_t limit) {
  return Query([&](Database& db) { return embedded::ReadEvents(db, cursor, limit); });
}

Result<std::vector<std::uint32_t>> EmbeddedLedger::ListTwins(std::uint32_t after,
                                                             std::size_t limit) {
  return Query([&](Database& db) {
    return store::All(db, "SELECT id FROM twin WHERE id > ?1 ORDER BY id LIMIT ?2", FirstId32,
                      after, std::min(limit, kMaxPage));
  });
}

Result<std::vector<std::uint32_t>> EmbeddedLedger::ListFarms(std::uint32_t after,
                                                             std::size_t limit) {
  return Query([&](Database& db) {
    return store::All(db, "SELECT id FROM farm WHERE id > ?1 ORDER BY id LIMIT ?2", FirstId32,
                      after, std::min(limit, kMaxPage));
  });
}

Result<Ids> EmbeddedLedger::ListTwinContracts(std::uint32_t twin, std::uint64_t after,
                                              std::size_t limit) {
  return Query([&](Database& db) {
    return store::All(db,
                      "SELECT id FROM contract WHERE twin = ?1 AND id > ?2 AND state <> 1 "
                      "ORDER BY id LIMIT ?3",
                      FirstId, twin, after, std::min(limit, kMaxPage));
  });
}

Result<std::vector<Contract>> EmbeddedLedger::History(std::uint64_t before, std::size_t limit) {
  return Query([&](Database& db) { return embedded::ReadDeletedContracts(db, before, limit); });
}

Result<ContractResources> EmbeddedLedger::ReportedResources(std::uint64_t contract) {
  TRELLIS_TRY(auto const found, Query([&](Database& db) {
                return store::One(
                    db, "SELECT contract, hru, sru, cru, mru FROM resources WHERE contract = ?1",
                    [](Statement const& row) {
                      return ContractResources{.contract = row.Uint(0),
                                               .hru = row.Uint(1),
                                               .sru = row.Uint(2),
                                               .cru = row.Uint(3),
                                               .mru = row.Uint(4)};
                    },
                    contract);
              }));
  if (!found) return Fail(Code::kNotFound, "contract {} has no resources reported", contract);
  return *found;
}

Result<std::uint64_t> EmbeddedLedger::ReportedNru(std::uint64_t contract) {
  TRELLIS_TRY(auto const sum, Query([&](Database& db) {
                return store::One(db, "SELECT coalesce(sum(nru), 0) FROM nru WHERE contract = ?1",
                                  FirstId, contract);
              }));
  return sum.value_or(0);
}

}  // namespace trellis::ledger
