// The node's routes, durable. Not thread-safe.
#pragma once

#include "plugins/gateway/routes/record.hpp"

#include <trellis/host.hpp>

#include <map>
#include <string>
#include <unordered_set>
#include <vector>

namespace trellis::plugins::gateway {

class Routes {
 public:
  explicit Routes(Host host) : host_(host) {}

  /// Reads what is stored.
  Result<void> Load();
  /// Adds or replaces. kConflict when another route has the domain.
  Result<void> Put(RouteRecord const& route);
  /// OK when unknown.
  Result<void> Remove(std::string const& id);
  /// nullptr when unknown; valid until the next change.
  [[nodiscard]] RouteRecord const* Find(std::string const& id) const;
  /// May `id` have the domain: kConflict with the sentence for the client.
  [[nodiscard]] Result<void> CheckFree(std::string const& fqdn, std::string const& id) const;
  /// Does the proxy connect to this `<ip>|<port>` of the forwarder for some route?
  [[nodiscard]] bool Forwards(std::string const& listen) const {
    return forwards_.contains(listen);
  }
  [[nodiscard]] std::map<std::string, RouteRecord> const& all() const { return routes_; }
  [[nodiscard]] bool empty() const { return routes_.empty(); }

 private:
  void Index(RouteRecord const& route);
  void Unindex(RouteRecord const& route);

  Host host_;
  std::map<std::string, RouteRecord> routes_;   // by id
  std::map<std::string, std::string> domains_;  // domain to id
  std::unordered_set<std::string> forwards_;    // of all
};

}  // namespace trellis::plugins::gateway
