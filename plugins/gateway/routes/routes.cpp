#include "plugins/gateway/routes/routes.hpp"

namespace trellis::plugins::gateway {

namespace {

constexpr std::string_view kPrefix = "route/";

std::string KeyOf(std::string const& id) {
  return std::string(kPrefix) + id;
}

}  // namespace

void Routes::Index(RouteRecord const& route) {
  domains_[route.fqdn] = route.id;
  forwards_.insert(route.forwards.begin(), route.forwards.end());
}

void Routes::Unindex(RouteRecord const& route) {
  domains_.erase(route.fqdn);
  for (auto const& listen : route.forwards)
    forwards_.erase(listen);
}

Result<void> Routes::Load() {
  TRELLIS_TRY(auto const keys, host_.StoreList(kPrefix));
  for (auto const& key : keys) {
    TRELLIS_TRY(auto const text, host_.StoreGet(key));
    auto route = json::Parse<RouteRecord>(text);
    if (!route) return tl::unexpected<Error>(std::move(route).error().With("'{}'", key));
    Index(*route);
    auto const id = route->id;
    routes_.insert_or_assign(id, *std::move(route));
  }
  return {};
}

Result<void> Routes::CheckFree(std::string const& fqdn, std::string const& id) const {
  auto const holder = domains_.find(fqdn);
  if (holder == domains_.end() || holder->second == id) return {};
  return Fail(Code::kConflict, "domain already registered: {}", fqdn);
}

Result<void> Routes::Put(RouteRecord const& route) {
  TRELLIS_CHECK(CheckFree(route.fqdn, route.id));
  TRELLIS_CHECK(host_.StorePut(KeyOf(route.id), json::Dump(route)));
  if (auto const known = routes_.find(route.id); known != routes_.end()) Unindex(known->second);
  Index(route);
  routes_.insert_or_assign(route.id, route);
  return {};
}

Result<void> Routes::Remove(std::string const& id) {
  auto const known = routes_.find(id);
  if (known == routes_.end()) return {};
  TRELLIS_CHECK(host_.StoreRemove(KeyOf(id)));
  Unindex(known->second);
  routes_.erase(known);
  return {};
}

RouteRecord const* Routes::Find(std::string const& id) const {
  auto const found = routes_.find(id);
  return found == routes_.end() ? nullptr : &found->second;
}

}  // namespace trellis::plugins::gateway
