// What the plugin does on its own: removal of what is nobody's, and repair.
#include "plugins/network/engine.hpp"

#include <algorithm>

namespace trellis::plugins::network {

namespace {

constexpr std::chrono::seconds kRepairLimit{30};

}  // namespace

void NetworkEngine::CountRepair(std::string_view what, std::string_view difference) {
  repairs_.Record(1);
  host_.Info("repaired", {{"what", json::Encode(what)}, {"difference", json::Encode(difference)}});
}

Result<std::string> NetworkEngine::AttachmentDifference(std::string const& net_id) {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const bridge, links.Get(BridgeName(net_id)));
  for (auto const& [tap, attachment] : records_.attachments()) {
    if (attachment.net_id != net_id) continue;
    TRELLIS_TRY(auto const link, links.Find(tap));
    if (!link) return fmt::format("tap '{}' is missing", tap);
    if (link->master != bridge.index || !link->up)
      return fmt::format("tap '{}' is not on the bridge", tap);
  }
  return std::string();
}

void NetworkEngine::ProcessEnded(std::string_view event) {
  auto const process = json::Parse<ProcessInfo>(event);
  auto const net_id = process ? tunnels_.EndedWith(process->name) : std::nullopt;
  if (!net_id) return;
  std::scoped_lock const lock(mutex_);
  auto const* const record = records_.FindNetwork(*net_id);
  if (record == nullptr || leaving_.contains(*net_id)) return;
  if (!namespaces_.Exists(NamespaceName(*net_id))) return;
  OwnCall own(host_, kRepairLimit);
  auto const built = Build(own.call(), *record, record->data);
  if (built) return CountRepair(record->id, "the tunnel's process ended");
  host_.Warn(
      "tunnel ended and was not made anew",
      {{"network", json::Encode(record->id)}, {"error", json::Encode(built.error().message)}});
}

// Everything that a network is made of is recorded before it is built: what is there without a
// record is left of another store.
Result<void> NetworkEngine::Recovered(Call& call, std::span<std::string_view const>) {
  Lock lock(mutex_);
  TRELLIS_TRY(auto const present, user_networks_.Present());
  for (auto const& net_id : present) {
    left_.wait(lock, [&] { return !leaving_.contains(net_id); });
    if (records_.FindNetwork(net_id) != nullptr) continue;
    TRELLIS_CHECK(Drop(call, net_id, lock));
    host_.Info("removed a network that nobody knows", {{"network", json::Encode(net_id)}});
  }
  return {};
}

void NetworkEngine::Upkeep() {
  std::scoped_lock const lock(mutex_);
  if (torn_down_) return;
  auto const warn = [this](std::string const& what, Error const& error) {
    host_.Warn("not repaired, tried again",
               {{"what", json::Encode(what)}, {"error", json::Encode(error.message)}});
  };
  if (auto const node = RenewNode(); !node) warn("node network", node.error());
  auto const own = ConvergePublicNamespace();
  if (!own) warn("public namespace", own.error());
  if (own && !own->empty()) CountRepair("public namespace", *own);
  for (auto const& [owner, lease] : prepared_.all()) {
    if (auto const done = RenewNamespace(lease); !done) warn(owner, done.error());
  }
}

Result<void> NetworkEngine::RenewNode() {
  TRELLIS_TRY(auto const difference, node_network_.Difference());
  if (difference.empty()) return {};
  TRELLIS_CHECK(node_network_.Converge());
  CountRepair("node network", difference);
  return {};
}

}  // namespace trellis::plugins::network
