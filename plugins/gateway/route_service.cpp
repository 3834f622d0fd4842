#include "plugins/gateway/route_service.hpp"

#include "plugins/common/posix/files.hpp"

#include <trellis/services/proxy.hpp>
#include <trellis/services/storage.hpp>

#include <charconv>

namespace trellis::plugins::gateway {

namespace {

using json::Nothing;

/// Of the proxy's table of counters.
constexpr std::size_t kMaxOwner = 78;

/// An owner goes into commands of the proxy as it is.
Result<void> CheckOwner(std::string const& owner) {
  TRELLIS_TRY(auto const name, OwnerToName(owner));
  if (name.size() <= kMaxOwner) return {};
  return Fail(Code::kInvalid, "owner '{}' is longer than {} bytes", owner, kMaxOwner);
}

std::uint32_t TwinOf(std::string const& owner, std::uint32_t caller) {
  std::uint32_t twin = caller;
  if (!owner.starts_with('@')) std::from_chars(owner.data(), owner.data() + owner.size(), twin);
  return twin;
}

Result<NameProxyResult> Set(Gateway& gateway, Call& call, services::RouteSet const& request) {
  TRELLIS_CHECK(CheckOwner(request.owner));
  FqdnProxy data;
  data.fqdn = request.fqdn;
  data.backends = request.backends;
  data.tls_passthrough = request.tls_passthrough;
  if (!request.network.empty()) data.network = request.network;
  TRELLIS_CHECK(data.ValidForm());
  RouteRequest route;
  route.id = request.owner;
  route.kind = kServiceKind;
  route.name = request.fqdn;
  route.target = data;
  route.twin = TwinOf(request.owner, call.twin_id());
  TRELLIS_TRY(auto done, gateway.Provision(call, route, /*stored=*/false));
  return NameProxyResult{std::move(done.fqdn)};
}

Result<Nothing> Reconcile(Gateway& gateway, Call& call, services::Reconcile const& known) {
  std::vector<std::string_view> const owners(known.owners.begin(), known.owners.end());
  TRELLIS_CHECK(gateway.Keep(call, kServiceKind, owners));
  return Nothing{};
}

}  // namespace

ServiceTable RouteMethods(Gateway& gateway) {
  ServiceTable table;
  table.Add<services::RouteSet, NameProxyResult>(
      "set", [&gateway](Call& call, auto const& r) { return Set(gateway, call, r); });
  table.Add<services::RouteDelete, Nothing>(
      "delete", [&gateway](Call& call, auto const& r) -> Result<Nothing> {
        TRELLIS_CHECK(gateway.Deprovision(call, r.owner));
        return Nothing{};
      });
  table.Add<Nothing, std::vector<RouteLine>>(
      "list", [&gateway](Call&, auto const&) { return gateway.List(); });
  table.Add<services::Reconcile, Nothing>(
      "reconcile", [&gateway](Call& call, auto const& r) { return Reconcile(gateway, call, r); });
  return table;
}

}  // namespace trellis::plugins::gateway
