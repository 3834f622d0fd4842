#include "plugins/network/engine.hpp"

#include "plugins/network/checks.hpp"
#include "plugins/network/taps.hpp"

#include <algorithm>
#include <charconv>

namespace trellis::plugins::network {

namespace {

constexpr std::chrono::seconds kRepairLimit{30};

// The twin is the first part of a workload's id.
Result<std::uint32_t> TwinOf(std::string_view id) {
  std::uint32_t twin = 0;
  auto const [end, error] = std::from_chars(id.data(), id.data() + id.size(), twin);
  if (error != std::errc{} || end == id.data() + id.size() || *end != '-')
    return Fail(Code::kInvalid, "'{}' is not the id of a workload", id);
  return twin;
}

// The name is what follows the second dash; it may hold dashes itself.
std::string_view NameOf(std::string_view id) {
  auto const first = id.find('-');
  auto const second = first == std::string_view::npos ? first : id.find('-', first + 1);
  return second == std::string_view::npos ? std::string_view() : id.substr(second + 1);
}

Result<NetworkRecord> RecordOf(Workload<Network> const& workload, Network const& data) {
  TRELLIS_TRY(auto const twin, TwinOf(workload.id));
  auto const name = NameOf(workload.id);
  return NetworkRecord{std::string(workload.id), twin, std::string(name),
                       NetId(twin, name),        data, data.wireguard_listen_port};
}

}  // namespace

NetworkEngine::NetworkEngine(Host host, NetworkConfig config)
    : host_(host),
      config_(std::move(config)),
      namespaces_(config_.netns_dir),
      node_network_(config_, namespaces_),
      user_networks_(config_, namespaces_),
      tunnels_(host, config_, namespaces_),
      public_bridge_(config_.public_, namespaces_, host.node()),
      records_(host),
      public_leases_(host) {}

Result<void> NetworkEngine::Start(Call const& call) {
  std::scoped_lock const lock(mutex_);
  TRELLIS_CHECK(records_.Load());
  TRELLIS_CHECK(public_leases_.Load());
  TRELLIS_CHECK(tunnels_.Start());
  std::set<std::string> known;
  for (auto const& [net_id, record] : records_.networks())
    known.insert(net_id);
  // Nothing that is wrong with old tunnels may keep the plugin down.
  if (auto const removed = tunnels_.RemoveOthers(call, known); !removed)
    host_.Warn("old tunnels not removed", {{"error", json::Encode(removed.error().message)}});
  TRELLIS_CHECK(node_network_.Converge());
  RestorePublic();
  return host_.Subscribe("process.exited",
                         [this](std::string_view, std::string_view event) { ProcessEnded(event); });
}

void NetworkEngine::ProcessEnded(std::string_view event) {
  auto const process = json::Parse<ProcessInfo>(event);
  auto const net_id = process ? tunnels_.EndedWith(process->name) : std::nullopt;
  if (!net_id) return;
  std::scoped_lock const lock(mutex_);
  auto const* const record = records_.FindNetwork(*net_id);
  if (record == nullptr || !namespaces_.Exists(NamespaceName(*net_id))) return;
  OwnCall own(host_, kRepairLimit);
  auto const built = Build(own.call(), *record, record->data);
  if (built) return;
  host_.Warn(
      "tunnel ended and was not made anew",
      {{"network", json::Encode(record->id)}, {"error", json::Encode(built.error().message)}});
}

Result<void> NetworkEngine::SettlePort(NetworkRecord& record, NetworkRecord const* known) const {
  if (record.port != 0) return {};
  if (known != nullptr) {
    record.port = known->port;
    return {};
  }
  TRELLIS_TRY(record.port, tunnels_.ChoosePort(records_.Ports(record.net_id)));
  return {};
}

Result<void> NetworkEngine::Build(Call const& call, NetworkRecord const& record,
                                  Network const& asked) {
  TRELLIS_TRY(auto const lease, records_.Lease(record.net_id));
  TRELLIS_CHECK(node_network_.Converge());
  TRELLIS_CHECK(user_networks_.Converge(record, lease));
  TRELLIS_CHECK(tunnels_.Converge(call, record, asked));
  // A bridge that was made anew has lost its machines.
  for (auto const& [tap, attachment] : records_.attachments()) {
    if (attachment.net_id == record.net_id)
      TRELLIS_CHECK(EnsureTap(tap, BridgeName(record.net_id)));
  }
  return {};
}

Result<void> NetworkEngine::Drop(Call const& call, std::string const& net_id) {
  TRELLIS_CHECK(tunnels_.Remove(call, net_id));
  TRELLIS_CHECK(user_networks_.Remove(net_id));
  TRELLIS_CHECK(records_.Release(net_id));
  return records_.RemoveNetwork(net_id);
}

Result<void> NetworkEngine::Check(std::string const& net_id,
                                  Workload<Network> const& workload) const {
  TRELLIS_CHECK(CheckNetwork(NameOf(workload.id), workload.data, config_.allow_ranges));
  if (auto const* other = records_.FindNetwork(net_id);
      other != nullptr && other->id != workload.id)
    return Fail(Code::kConflict, "network '{}' exists already as '{}'", other->name, other->id);
  return CheckPort(workload.data.wireguard_listen_port, records_.Ports(net_id));
}

Result<Outcome<NoResult>> NetworkEngine::Provision(Call& call, Workload<Network> const& workload) {
  std::scoped_lock const lock(mutex_);
  TRELLIS_TRY(auto record, RecordOf(workload, workload.data));
  TRELLIS_CHECK(Check(record.net_id, workload));
  TRELLIS_CHECK(call.Checkpoint());
  auto const* const known = records_.FindNetwork(record.net_id);
  bool const first = known == nullptr;
  auto const asked = first ? record.data : known->data;
  TRELLIS_CHECK(SettlePort(record, known));
  // Recorded before it is built, so that nothing is left behind unknown; this also reserves the
  // port.
  TRELLIS_CHECK(records_.Put(record));
  auto built = Build(call, record, asked);
  if (built) return Outcome<NoResult>(NoResult{});
  // The build's error is the one to tell; what the undoing leaves is found by ListOwned.
  if (first) static_cast<void>(Drop(call, record.net_id));
  return tl::unexpected<Error>(std::move(built).error());
}

Result<Outcome<NoResult>> NetworkEngine::Update(Call& call, Workload<Network> const& workload) {
  using Done = Outcome<NoResult>;
  std::scoped_lock const lock(mutex_);
  TRELLIS_TRY(auto wanted, RecordOf(workload, workload.data));
  if (auto const good = Check(wanted.net_id, workload); !good)
    return Done::Unchanged(good.error().message);
  auto const* const known = records_.FindNetwork(wanted.net_id);
  NetworkRecord old = wanted;
  if (known != nullptr)
    old = *known;
  else
    old.data = workload.effective();
  auto const machines = records_.AttachmentsOf(wanted.net_id);
  if (machines > 0 && old.data.subnet != wanted.data.subnet)
    return Done::Unchanged(
        fmt::format("subnet cannot change while {} machines are attached", machines));
  TRELLIS_CHECK(SettlePort(wanted, known));
  auto const built = Build(call, wanted, old.data);
  if (built) {
    TRELLIS_CHECK(records_.Put(wanted));
    return Done(NoResult{});
  }
  auto reason = built.error().message;
  if (auto const restored = Build(call, old, wanted.data); !restored)
    reason += fmt::format("; restoring failed too: {}", restored.error().message);
  return Done::Unchanged(std::move(reason));
}

Result<void> NetworkEngine::Deprovision(Call& call, Workload<Network> const& workload) {
  std::scoped_lock const lock(mutex_);
  TRELLIS_TRY(auto const record, RecordOf(workload, workload.effective()));
  auto const* const known = records_.FindNetwork(record.net_id);
  // The network of that name may by now belong to another contract.
  if (known != nullptr && known->id != record.id) return {};
  return Drop(call, record.net_id);
}

Result<Observed> NetworkEngine::Inspect(Call&, Workload<Network> const& workload) {
  std::scoped_lock const lock(mutex_);
  TRELLIS_TRY(auto const record, RecordOf(workload, workload.effective()));
  auto const* const known = records_.FindNetwork(record.net_id);
  if (known == nullptr || known->id != record.id) return Observed::Absent();
  TRELLIS_TRY(auto const lease, records_.Lease(record.net_id));
  auto const difference = user_networks_.Difference(record, lease);
  if (!difference && difference.error().code == Code::kNotFound) return Observed::Absent();
  TRELLIS_CHECK(difference);
  if (difference->has_value()) return Observed::Drifted(**difference);
  TRELLIS_TRY(auto const tunnel, tunnels_.Difference(*known));
  if (!tunnel.empty()) return Observed::Drifted(tunnel);
  return workload.paused ? Observed::Paused() : Observed::Running();
}

Result<std::vector<std::string>> NetworkEngine::ListOwned(Call&) {
  std::scoped_lock const lock(mutex_);
  std::vector<std::string> ids;
  for (auto const& [net_id, record] : records_.networks())
    ids.push_back(record.id);
  return ids;
}

Result<void> NetworkEngine::Precheck(Call&, PrecheckOp, Workload<Network> const& workload) {
  std::scoped_lock const lock(mutex_);
  TRELLIS_TRY(auto const record, RecordOf(workload, workload.data));
  return Check(record.net_id, workload);
}

std::vector<std::uint16_t> NetworkEngine::Ports() {
  std::scoped_lock const lock(mutex_);
  auto ports = records_.Ports("");
  ports.insert(FixedPorts().begin(), FixedPorts().end());
  return {ports.begin(), ports.end()};
}

Result<void> NetworkEngine::Teardown(Call const& call) {
  std::scoped_lock const lock(mutex_);
  std::vector<std::string> taps;
  for (auto const& [tap, attachment] : records_.attachments())
    taps.push_back(tap);
  for (auto const& tap : taps)
    TRELLIS_CHECK(RemoveTap(tap));
  TRELLIS_TRY(auto net_ids, user_networks_.Present());
  for (auto const& [net_id, record] : records_.networks())
    net_ids.push_back(net_id);
  for (auto const& net_id : net_ids)
    TRELLIS_CHECK(Drop(call, net_id));
  TRELLIS_CHECK(RemovePublic());
  return node_network_.Remove();
}

}  // namespace trellis::plugins::network
