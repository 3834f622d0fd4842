// Namespaces for the servers of other plugins.
#include "plugins/network/engine.hpp"

#include <algorithm>

namespace trellis::plugins::network {

std::optional<services::PublicPrefix> NetworkEngine::Segment() {
  if (!public_bridge_.configured()) return std::nullopt;
  // Without a prefix the server has the segment all the same, and waits for its router's word.
  return public_bridge_.Prefix6().value_or(services::PublicPrefix{});
}

Result<void> NetworkEngine::CheckNamespace(services::NamespacePrepare const& wanted,
                                           ServerNames const& server) const {
  for (auto const& [owner, lease] : prepared_.all()) {
    if (owner == wanted.owner) {
      if (lease.kind == wanted.kind) continue;
      return Fail(Code::kConflict, "'{}' has a namespace of kind '{}' already", owner, lease.kind);
    }
    TRELLIS_TRY(auto const other, ServerNames::Of(lease));
    if (other.netns == server.netns ||
        (other.zdb && server.zdb && other.host_end == server.host_end))
      return Fail(Code::kConflict, "the namespace of '{}' has the same names as that of '{}'",
                  owner, wanted.owner);
  }
  return {};
}

Result<void> NetworkEngine::BuildNamespace(services::NamespacePrepare const& lease) {
  torn_down_ = false;
  TRELLIS_TRY(auto const server, ServerNames::Of(lease));
  TRELLIS_TRY(auto const address, records_.Lease(server.lease));
  TRELLIS_CHECK(node_network_.Converge());
  if (server.zdb) TRELLIS_CHECK(public_bridge_.Converge());
  return server_namespaces_.Converge(server, address, Segment());
}

Result<void> NetworkEngine::DropNamespace(services::NamespacePrepare const& lease) {
  TRELLIS_TRY(auto const server, ServerNames::Of(lease));
  TRELLIS_CHECK(server_namespaces_.Remove(server));
  TRELLIS_CHECK(records_.Release(server.lease));
  return prepared_.Remove(lease.owner);
}

Result<services::PreparedNamespace> NetworkEngine::Prepare(
    services::NamespacePrepare const& request) {
  TRELLIS_TRY(auto const server, ServerNames::Of(request));
  std::scoped_lock const lock(mutex_);
  TRELLIS_CHECK(CheckNamespace(request, server));
  bool const first = prepared_.Find(request.owner) == nullptr;
  // Recorded before it is built, so that nothing is left behind unknown.
  if (first) TRELLIS_CHECK(prepared_.Put(request.owner, request));
  auto built = BuildNamespace(request);
  // The build's error is the one to tell; what the undoing leaves is found by the next reconcile.
  if (!built && first) static_cast<void>(DropNamespace(request));
  TRELLIS_CHECK(std::move(built));
  TRELLIS_TRY(auto const address, records_.Lease(server.lease));
  TRELLIS_TRY(auto ips, server_namespaces_.Addresses(server, address));
  return services::PreparedNamespace{namespaces_.Path(server.netns), std::move(ips)};
}

Result<void> NetworkEngine::Destroy(std::string const& owner) {
  std::scoped_lock const lock(mutex_);
  auto const* const known = prepared_.Find(owner);
  return known == nullptr ? Result<void>() : DropNamespace(services::NamespacePrepare(*known));
}

services::NamespaceLeases NetworkEngine::PreparedNamespaces() {
  std::scoped_lock const lock(mutex_);
  services::NamespaceLeases out;
  out.namespaces.reserve(prepared_.all().size());
  for (auto const& [owner, lease] : prepared_.all())
    out.namespaces.push_back(lease);
  return out;
}

Result<void> NetworkEngine::ReconcileNamespaces(std::vector<std::string> const& owners) {
  std::scoped_lock const lock(mutex_);
  std::vector<std::string> kept;
  auto const all = prepared_.all();
  for (auto const& [owner, lease] : all) {
    // Plugins ('@') give theirs back themselves.
    if (!owner.starts_with('@') && std::ranges::find(owners, owner) == owners.end()) {
      TRELLIS_CHECK(DropNamespace(lease));
      continue;
    }
    TRELLIS_TRY(auto server, ServerNames::Of(lease));
    kept.push_back(std::move(server.netns));
  }
  return server_namespaces_.RemoveOthers(kept);
}

// What a restart or a reboot finds is compared with what was asked for. One that cannot be built
// now must not keep the others from working.
void NetworkEngine::RestoreNamespaces() {
  for (auto const& [owner, lease] : prepared_.all()) {
    if (auto const built = BuildNamespace(lease); !built)
      host_.Warn("namespace not as asked for, tried again later",
                 {{"owner", json::Encode(owner)}, {"error", json::Encode(built.error().message)}});
  }
}

Result<void> NetworkEngine::RenewNamespace(services::NamespacePrepare const& lease) {
  TRELLIS_TRY(auto const server, ServerNames::Of(lease));
  TRELLIS_TRY(auto const address, records_.Lease(server.lease));
  TRELLIS_TRY(auto const difference,
              server_namespaces_.Difference(server, address, public_bridge_.configured()));
  if (difference.empty()) return {};
  TRELLIS_CHECK(BuildNamespace(lease));
  CountRepair(lease.owner, difference);
  return {};
}

}  // namespace trellis::plugins::network
