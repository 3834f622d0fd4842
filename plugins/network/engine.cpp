#include "plugins/network/engine.hpp"

#include "plugins/network/checks.hpp"
#include "plugins/network/free_port.hpp"
#include "plugins/network/taps.hpp"

#include <algorithm>
#include <charconv>

namespace trellis::plugins::network {

namespace {

constexpr std::chrono::seconds kUpkeepEvery{30};

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

bool IsAsAsked(NetworkRecord const& known, NetworkRecord const& wanted) {
  return json::Dump(known) == json::Dump(wanted);
}

}  // namespace

NetworkEngine::NetworkEngine(Host host, NetworkConfig config)
    : host_(host),
      config_(std::move(config)),
      configured_nic_(config_.public_.parent),
      namespaces_(config_.netns_dir),
      node_network_(config_, namespaces_, NodeKeyOf(host.node())),
      user_networks_(config_, namespaces_),
      tunnels_(host, config_, namespaces_),
      public_bridge_(config_.public_, namespaces_, host.node()),
      public_namespace_(namespaces_, NodeKeyOf(host.node())),
      records_(host),
      public_leases_(host),
      server_namespaces_(namespaces_),
      prepared_(host, "namespace/"),
      reserved_(host, "port/") {}

Result<void> NetworkEngine::Start(Call const& call) {
  std::scoped_lock const lock(mutex_);
  RecallPublicNic();
  TRELLIS_CHECK(records_.Load());
  TRELLIS_CHECK(public_leases_.Load());
  TRELLIS_CHECK(prepared_.Load());
  TRELLIS_CHECK(reserved_.Load());
  repairs_ = Metric::Define(host_, Metric::Kind::kCounter, "repairs_total",
                            "networks, namespaces and public addresses that were put right");
  TRELLIS_CHECK(tunnels_.Start());
  std::set<std::string> known;
  for (auto const& [net_id, record] : records_.networks())
    known.insert(net_id);
  // Nothing that is wrong with old tunnels may keep the plugin down.
  if (auto const removed = tunnels_.RemoveOthers(call, known); !removed)
    host_.Warn("old tunnels not removed", {{"error", json::Encode(removed.error().message)}});
  TRELLIS_CHECK(node_network_.Converge());
  RestorePublic();
  RestoreNamespaces();
  task_ = host_.After(kUpkeepEvery, kUpkeepEvery, [this] { Upkeep(); });
  return host_.Subscribe("process.exited",
                         [this](std::string_view, std::string_view event) { ProcessEnded(event); });
}

void NetworkEngine::Stop() {
  host_.CancelTask(task_);
}

std::string NetworkEngine::Underlay() const {
  if (!config_.wireguard.underlay.empty()) return config_.wireguard.underlay;
  return config_.public_.own_namespace && public_config_ ? kPublicNamespace : "";
}

Result<void> NetworkEngine::Settle(NetworkRecord& record, NetworkRecord const* known) const {
  record.underlay = Underlay();
  if (record.port != 0) return {};
  if (known != nullptr) {
    record.port = known->port;
    return {};
  }
  return namespaces_.RunIn(record.underlay, [&]() -> Result<void> {
    TRELLIS_TRY(record.port, ChoosePort(TakenPorts(record.net_id), "udp"));
    return {};
  });
}

Result<void> NetworkEngine::LeaveUnderlay(Call const& call, NetworkRecord const& known,
                                          NetworkRecord const& wanted) {
  if (known.underlay == wanted.underlay) return {};
  return tunnels_.Discard(call, wanted.net_id);
}

Result<void> NetworkEngine::Build(Call const& call, NetworkRecord const& record,
                                  Network const& asked) {
  torn_down_ = false;
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

NetworkEngine::Lock NetworkEngine::Enter(std::string const& net_id) {
  Lock lock(mutex_);
  left_.wait(lock, [&] { return !leaving_.contains(net_id); });
  return lock;
}

Result<void> NetworkEngine::Demolish(Call const& call, std::string const& net_id) {
  TRELLIS_CHECK(tunnels_.Remove(call, net_id));
  return user_networks_.Remove(net_id);
}

Result<void> NetworkEngine::Drop(Call const& call, std::string const& net_id, Lock& lock) {
  left_.wait(lock, [&] { return !leaving_.contains(net_id); });
  leaving_.insert(net_id);
  lock.unlock();
  auto gone = Demolish(call, net_id);
  lock.lock();
  leaving_.erase(net_id);
  left_.notify_all();
  TRELLIS_CHECK(std::move(gone));
  TRELLIS_CHECK(records_.Release(net_id));
  return records_.RemoveNetwork(net_id);
}

Result<void> NetworkEngine::Check(std::string const& net_id,
                                  Workload<Network> const& workload) const {
  TRELLIS_CHECK(CheckNetwork(NameOf(workload.id), workload.data, config_.allow_ranges));
  if (auto const* other = records_.FindNetwork(net_id);
      other != nullptr && other->id != workload.id)
    return Fail(Code::kConflict, "network '{}' exists already as '{}'", other->name, other->id);
  return CheckPort(workload.data.wireguard_listen_port, TakenPorts(net_id));
}

Result<Outcome<NoResult>> NetworkEngine::Provision(Call& call, Workload<Network> const& workload) {
  TRELLIS_TRY(auto record, RecordOf(workload, workload.data));
  auto lock = Enter(record.net_id);
  TRELLIS_CHECK(Check(record.net_id, workload));
  TRELLIS_CHECK(call.Checkpoint());
  auto const* const known = records_.FindNetwork(record.net_id);
  bool const first = known == nullptr;
  auto const asked = first ? record.data : known->data;
  TRELLIS_CHECK(Settle(record, known));
  auto const difference = first ? Result<std::string>() : Difference(*known);
  if (!first && IsAsAsked(*known, record) && difference && difference->empty())
    return Outcome<NoResult>::NoAction(NoResult{});
  if (!first) TRELLIS_CHECK(LeaveUnderlay(call, *known, record));
  // Recorded before it is built, so that nothing is left behind unknown; this also reserves the
  // port.
  TRELLIS_CHECK(records_.Put(record));
  auto built = Build(call, record, asked);
  if (built) {
    if (!difference || !difference->empty())
      CountRepair(record.id, difference ? *difference : difference.error().message);
    return Outcome<NoResult>(NoResult{});
  }
  // The build's error is the one to tell; what the undoing leaves is found by ListOwned.
  if (first) static_cast<void>(Drop(call, record.net_id, lock));
  return tl::unexpected<Error>(std::move(built).error());
}

Result<Outcome<NoResult>> NetworkEngine::Update(Call& call, Workload<Network> const& workload) {
  using Done = Outcome<NoResult>;
  TRELLIS_TRY(auto wanted, RecordOf(workload, workload.data));
  auto const lock = Enter(wanted.net_id);
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
  TRELLIS_CHECK(Settle(wanted, known));
  if (known != nullptr && IsAsAsked(*known, wanted)) {
    auto const difference = Difference(*known);
    if (difference && difference->empty()) return Done::NoAction(NoResult{});
  }
  TRELLIS_CHECK(LeaveUnderlay(call, old, wanted));
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
  TRELLIS_TRY(auto const record, RecordOf(workload, workload.effective()));
  auto lock = Enter(record.net_id);
  auto const* const known = records_.FindNetwork(record.net_id);
  // The network of that name may by now belong to another contract.
  if (known != nullptr && known->id != record.id) return {};
  return Drop(call, record.net_id, lock);
}

Result<std::string> NetworkEngine::Difference(NetworkRecord const& record) {
  TRELLIS_TRY(auto const lease, records_.Lease(record.net_id));
  TRELLIS_TRY(auto const own, user_networks_.Difference(record, lease));
  if (own) return *own;
  TRELLIS_TRY(auto tunnel, tunnels_.Difference(record));
  if (!tunnel.empty()) return tunnel;
  TRELLIS_TRY(auto attached, AttachmentDifference(record.net_id));
  return attached.empty() ? node_network_.Difference() : Result<std::string>(std::move(attached));
}

Result<Observed> NetworkEngine::Inspect(Call&, Workload<Network> const& workload) {
  std::scoped_lock const lock(mutex_);
  TRELLIS_TRY(auto record, RecordOf(workload, workload.effective()));
  auto const* const known = records_.FindNetwork(record.net_id);
  if (known == nullptr || known->id != record.id) return Observed::Absent();
  TRELLIS_CHECK(Settle(record, known));
  auto const difference = Difference(record);
  if (!difference && difference.error().code == Code::kNotFound) return Observed::Absent();
  TRELLIS_CHECK(difference);
  if (!difference->empty()) return Observed::Drifted(*difference);
  if (known->underlay != record.underlay)
    return Observed::Drifted("the tunnel's socket is in another namespace");
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

Result<void> NetworkEngine::Teardown(Call const& call) {
  Lock lock(mutex_);
  std::vector<std::string> taps;
  for (auto const& [tap, attachment] : records_.attachments())
    taps.push_back(tap);
  for (auto const& tap : taps)
    TRELLIS_CHECK(RemoveTap(tap));
  TRELLIS_TRY(auto net_ids, user_networks_.Present());
  for (auto const& [net_id, record] : records_.networks())
    net_ids.push_back(net_id);
  for (auto const& net_id : net_ids)
    TRELLIS_CHECK(Drop(call, net_id, lock));
  auto const prepared = prepared_.all();
  for (auto const& [owner, lease] : prepared)
    TRELLIS_CHECK(DropNamespace(lease));
  TRELLIS_CHECK(server_namespaces_.RemoveOthers({}));
  TRELLIS_CHECK(RemovePublic());
  TRELLIS_CHECK(public_namespace_.Remove());
  torn_down_ = true;
  return node_network_.Remove();
}

}  // namespace trellis::plugins::network
