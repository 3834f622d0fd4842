#include "kernel/ledger/etcd/etcd_ledger.hpp"

#include "kernel/ledger/etcd/news.hpp"
#include "kernel/ledger/etcd/writer.hpp"
#include "kernel/ledger/rules/refusal.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace trellis::ledger {
namespace {

using etcd::Decoded;
using etcd::Found;
using etcd::Keys;
using etcd::KvState;
using etcd::LastNumber;
using etcd::Range;
using etcd::Snapshot;
using etcd::View;
using rules::Refuse;

constexpr std::size_t kMaxPage = 1000;
// Of whole objects, which may be 100 KiB each: an answer has its limit too.
constexpr std::size_t kMaxObjects = 256;

/// Reads have no other error than that nothing could be read.
Error Unavailable(Error error) {
  if (error.code != Code::kConflict) error.code = Code::kUnavailable;
  return std::move(error).With("ledger is unavailable");
}

Range All(std::string const& prefix) {
  return {.key = prefix, .end = etcd::PrefixEnd(prefix), .limit = 0, .descending = false};
}

Range One(std::string key) {
  return {.key = std::move(key), .end = {}, .limit = 0, .descending = false};
}

/// Keys of `prefix` after the key `after`.
Range After(std::string const& prefix, std::string after, std::size_t limit) {
  after += '\0';
  return {.key = std::move(after),
          .end = etcd::PrefixEnd(prefix),
          .limit = std::clamp<std::size_t>(limit, 1, kMaxPage),  // 0 would be all
          .descending = false};
}

template <class Id>
Result<std::vector<Id>> IdsOf(Found const& found) {
  std::vector<Id> ids;
  for (auto const& pair : found) {
    TRELLIS_TRY(auto const id, LastNumber(pair.key));
    ids.push_back(static_cast<Id>(id));
  }
  return ids;
}

Result<etcd::HeadRecord> HeadOf(Found const& found) {
  return etcd::ParseHead(found.empty() ? "" : found.front().value);
}

}  // namespace

struct EtcdLedger::Parts {
  Parts(EtcdOptions given, std::unique_ptr<etcd::Members> members)
      : options(std::move(given)),
        clock(options.clock != nullptr ? *options.clock : system_clock),
        keys(options.prefix),
        gateway(std::move(members)),
        news(gateway, keys),
        writer(gateway, keys, options, clock,
               [this](etcd::HeadRecord const& head) { news.Tell(head.event); }) {}

  Result<Snapshot> Read(std::vector<Range> const& ranges) {
    return gateway.Read(ranges).map_error(Unavailable);
  }

  /// Runs `read(KvState&)` on what etcd has now.
  template <class Question>
  auto Query(Question const& read) -> decltype(read(std::declval<KvState&>())) {
    View view(gateway, nullptr);
    KvState state(view, keys, {});
    auto answer = read(state);
    if (!answer && view.failure()) return tl::unexpected<Error>(Unavailable(*view.failure()));
    return answer;
  }

  template <class Id>
  Result<std::vector<Id>> List(Range const& range) {
    TRELLIS_TRY(auto const snapshot, Read({range}));
    return IdsOf<Id>(snapshot.found.front());
  }

  EtcdOptions const options;
  SystemClock const system_clock;
  Clock const& clock;
  Keys const keys;
  etcd::Gateway gateway;
  etcd::News news;
  etcd::Writer writer;  // stops first
};

EtcdLedger::EtcdLedger(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

EtcdLedger::~EtcdLedger() = default;

Result<std::unique_ptr<EtcdLedger>> EtcdLedger::Open(EtcdOptions const& options) {
  if (options.prefix.empty() || !options.prefix.ends_with('/'))
    return Fail(Code::kInvalid, "prefix '{}' of the ledger's keys does not end with '/'",
                options.prefix);
  TRELLIS_TRY(auto members, etcd::Members::Make(options));
  return std::unique_ptr<EtcdLedger>(  // NOLINT: private constructor
      new EtcdLedger(std::make_unique<Parts>(options, std::move(members))));
}

Result<Twin> EtcdLedger::GetTwin(std::uint32_t id) {
  return parts_->Query([&](KvState& state) { return state.ReadTwin(id); });
}

Result<std::uint32_t> EtcdLedger::TwinByAccount(Account const& account) {
  TRELLIS_TRY(auto const id,
              parts_->Query([&](KvState& state) { return state.FindTwinByAccount(account); }));
  if (!id) return Refuse("TwinNotExists", "the account has no twin");
  return *id;
}

Result<Contract> EtcdLedger::GetContract(std::uint64_t id) {
  return parts_->Query([&](KvState& state) { return state.ReadContract(id); });
}

Result<NodeContracts> EtcdLedger::ListNodeContracts(std::uint32_t node) {
  TRELLIS_TRY(auto const snapshot,
              parts_->Read({One(parts_->keys.Head()), All(parts_->keys.Active(node))}));
  TRELLIS_TRY(auto const head, HeadOf(snapshot.found[0]));
  NodeContracts contracts;
  contracts.height = head.height;
  TRELLIS_TRY(contracts.ids, IdsOf<std::uint64_t>(snapshot.found[1]));
  auto& grace = contracts.grace.emplace();
  for (std::size_t i = 0; i < contracts.ids.size(); ++i) {
    if (snapshot.found[1][i].value == etcd::kInGrace) grace.push_back(contracts.ids[i]);
  }
  return contracts;
}

Result<std::optional<std::uint64_t>> EtcdLedger::RentContract(std::uint32_t node) {
  return parts_->Query([&](KvState& state) { return state.FindRentContract(node); });
}

Result<std::uint64_t> EtcdLedger::NameContract(std::string_view name) {
  TRELLIS_TRY(auto const id,
              parts_->Query([&](KvState& state) { return state.FindNameContract(name); }));
  if (!id) return Refuse("ContractNotExists", "name '{}' is not reserved", name);
  return *id;
}

Result<std::uint64_t> EtcdLedger::ContractByHash(std::uint32_t node, std::string_view hash) {
  TRELLIS_TRY(auto const id,
              parts_->Query([&](KvState& state) { return state.FindContractByHash(node, hash); }));
  if (!id) return Refuse("ContractNotExists", "no contract of node {} has this hash", node);
  return *id;
}

Result<Farm> EtcdLedger::GetFarm(std::uint32_t id) {
  TRELLIS_TRY(auto const snapshot,
              parts_->Read({One(parts_->keys.Farm(id)), All(parts_->keys.FarmIps(id))}));
  if (snapshot.found[0].empty()) return Refuse("FarmNotExists", "no farm {}", id);
  TRELLIS_TRY(auto farm, Decoded<Farm>(snapshot.found[0].front().value));
  for (auto const& pair : snapshot.found[1]) {
    TRELLIS_TRY(auto ip, Decoded<PublicIp>(pair.value));
    farm.public_ips.push_back(std::move(ip));
  }
  return farm;
}

Result<Node> EtcdLedger::GetNode(std::uint32_t id) {
  return parts_->Query([&](KvState& state) { return state.ReadNode(id); });
}

Result<std::uint32_t> EtcdLedger::NodeByTwin(std::uint32_t twin) {
  TRELLIS_TRY(auto const id,
              parts_->Query([&](KvState& state) { return state.FindNodeByTwin(twin); }));
  if (!id) return Refuse("NodeNotExists", "twin {} has no node", twin);
  return *id;
}

Result<std::vector<std::uint32_t>> EtcdLedger::ListNodes(std::uint32_t farm) {
  return parts_->List<std::uint32_t>(All(parts_->keys.FarmNodes(farm)));
}

Result<Head> EtcdLedger::GetHead() {
  TRELLIS_TRY(auto const snapshot, parts_->Read({One(parts_->keys.Head())}));
  TRELLIS_TRY(auto const record, HeadOf(snapshot.found[0]));
  return Head{
      .time = parts_->clock.UnixSeconds(), .height = record.height, .last_seq = record.event};
}

Result<EventPage> EtcdLedger::EventsAfter(std::uint64_t cursor, std::size_t limit) {
  auto const& keys = parts_->keys;
  TRELLIS_TRY(auto const snapshot,
              parts_->Read({One(keys.Head()), After(keys.Events(), keys.Event(cursor),
                                                    std::min(limit, kMaxObjects))}));
  TRELLIS_TRY(auto const head, HeadOf(snapshot.found[0]));
  if (cursor > head.event || cursor + 1 < head.oldest_event)
    return Refuse("CursorTooOld", "events after {} are not all kept, the last is {}", cursor,
                  head.event);
  EventPage page;
  page.next = cursor;
  for (auto const& pair : snapshot.found[1]) {
    if (page.events.size() == limit) break;
    TRELLIS_TRY(auto event, Decoded<Event>(pair.value));
    page.next = event.seq;
    page.events.push_back(std::move(event));
  }
  return page;
}

Result<bool> EtcdLedger::Wait(std::uint64_t cursor, std::chrono::milliseconds timeout) {
  return parts_->news.Wait(cursor, timeout).map_error(Unavailable);
}

void EtcdLedger::Interrupt() {
  parts_->news.Interrupt();
}

Result<std::uint64_t> EtcdLedger::Submit(Caller const& caller, Call const& call) {
  TRELLIS_TRY(auto const ids,
              parts_->writer.Write(caller, [&](View&, rules::Write& write) -> etcd::Outcome {
                TRELLIS_TRY(auto const id, rules::ApplyRequest(write, call));
                return rules::Ids{id};
              }));
  return ids.front();
}

Result<rules::Ids> EtcdLedger::SubmitAll(Caller const& caller, std::vector<Call> const& calls) {
  return parts_->writer.Write(
      caller, [&](View&, rules::Write& write) { return rules::ApplyRequest(write, calls); });
}

Result<Account> EtcdLedger::Genesis() {
  TRELLIS_TRY(auto const snapshot, parts_->Read({One(parts_->keys.Head())}));
  if (snapshot.found[0].empty()) return Fail(Code::kNotFound, "nobody has written to the ledger");
  TRELLIS_TRY(auto const head, HeadOf(snapshot.found[0]));
  return head.genesis;
}

Result<std::vector<std::uint32_t>> EtcdLedger::ListTwins(std::uint32_t after, std::size_t limit) {
  auto const& keys = parts_->keys;
  return parts_->List<std::uint32_t>(After(keys.Twins(), keys.Twin(after), limit));
}

Result<std::vector<std::uint32_t>> EtcdLedger::ListFarms(std::uint32_t after, std::size_t limit) {
  auto const& keys = parts_->keys;
  return parts_->List<std::uint32_t>(After(keys.Farms(), keys.Farm(after), limit));
}

Result<rules::Ids> EtcdLedger::ListTwinContracts(std::uint32_t twin, std::uint64_t after,
                                                 std::size_t limit) {
  auto const& keys = parts_->keys;
  return parts_->List<std::uint64_t>(After(keys.Owned(twin), keys.Owned(twin, after), limit));
}

Result<std::vector<Contract>> EtcdLedger::History(std::uint64_t before, std::size_t limit) {
  auto const& keys = parts_->keys;
  TRELLIS_TRY(auto const snapshot,
              parts_->Read({{.key = keys.Deleted(),
                             .end = keys.Deleted(before),
                             .limit = std::clamp<std::size_t>(limit, 1, kMaxObjects),
                             .descending = true}}));
  std::vector<Contract> contracts;
  for (auto const& pair : snapshot.found.front()) {
    TRELLIS_TRY(auto contract, Decoded<Contract>(pair.value));
    contracts.push_back(std::move(contract));
  }
  return contracts;
}

Result<ContractResources> EtcdLedger::ReportedResources(std::uint64_t contract) {
  TRELLIS_TRY(auto const snapshot, parts_->Read({One(parts_->keys.Resources(contract))}));
  if (snapshot.found[0].empty())
    return Fail(Code::kNotFound, "contract {} has no resources reported", contract);
  return Decoded<ContractResources>(snapshot.found[0].front().value);
}

Result<std::uint64_t> EtcdLedger::ReportedNru(std::uint64_t contract) {
  TRELLIS_TRY(auto const snapshot, parts_->Read({All(parts_->keys.Nru(contract))}));
  std::uint64_t sum = 0;
  for (auto const& pair : snapshot.found[0]) {
    TRELLIS_TRY(auto const report, Decoded<NruReport>(pair.value));
    sum += report.nru;
  }
  return sum;
}

}  // namespace trellis::ledger
