// The filters that ip workloads were given, kept across restarts. Not thread-safe.
#pragma once

#include <trellis/services/net.hpp>

#include <map>
#include <string>
#include <vector>

namespace trellis::plugins::network {

class PublicLeases {
 public:
  explicit PublicLeases(Host host) : host_(host) {}
  /// Reads the store; call before everything else.
  Result<void> Load();

  /// Durable when the call returns.
  Result<void> Put(services::PublicFilter lease);
  /// OK when unknown.
  Result<void> Remove(std::string const& owner);
  [[nodiscard]] services::PublicFilter const* Find(std::string const& owner) const;
  /// By ip workload.
  [[nodiscard]] std::map<std::string, services::PublicFilter> const& all() const { return all_; }
  /// kConflict when another workload has the address.
  [[nodiscard]] Result<void> CheckFree(services::PublicFilter const& wanted) const;
  /// Workloads of that type.
  [[nodiscard]] std::vector<std::string> OwnersOf(std::string const& kind) const;
  /// All IPv4 addresses, with their masks, sorted.
  [[nodiscard]] std::vector<std::string> Addresses() const;

 private:
  Host host_;
  std::map<std::string, services::PublicFilter> all_;
};

}  // namespace trellis::plugins::network
