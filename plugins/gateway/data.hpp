// The data of the two gateway workloads: a public name whose traffic goes to private backends.
#pragma once

#include <trellis/sdk.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace trellis::plugins::gateway {

/// Positions among the types of a deployment.
inline constexpr std::uint32_t kNameRank = 800;
inline constexpr std::uint32_t kFqdnRank = 810;

/// What both types have in common. Pure: every function may run on any thread.
struct Target {
  bool tls_passthrough = false;
  std::vector<std::string> backends;   ///< at least one
  std::optional<std::string> network;  ///< of the same twin; absent or "" = the node's own

  /// gw_no_backends, gw_backend.
  [[nodiscard]] Result<void> ValidBackends() const;
  void AddTo(ChallengeWriter& out) const;
  [[nodiscard]] static trellis::Capacity Capacity() { return {}; }
  /// The network.
  [[nodiscard]] std::vector<std::string> Dependencies() const;
};
BOOST_DESCRIBE_STRUCT(Target, (), (tls_passthrough, backends, network))

/// gateway-name-proxy: a label below the node's own domain.
struct NameProxy : Target {
  std::string name;

  /// gw_name, then those of the backends.
  [[nodiscard]] Result<void> Valid(WorkloadGetter const&) const;
  void Challenge(ChallengeWriter& out) const;
};
BOOST_DESCRIBE_STRUCT(NameProxy, (Target), (name))

/// gateway-fqdn-proxy: a domain that the client points at the node.
struct FqdnProxy : Target {
  std::string fqdn;

  /// gw_fqdn, then those of the backends.
  [[nodiscard]] Result<void> Valid(WorkloadGetter const&) const;
  /// The same without a deployment around it.
  [[nodiscard]] Result<void> ValidForm() const;
  void Challenge(ChallengeWriter& out) const;
};
BOOST_DESCRIBE_STRUCT(FqdnProxy, (Target), (fqdn))

/// What the client of a name proxy gets back.
struct NameProxyResult {
  std::string fqdn;
};
BOOST_DESCRIBE_STRUCT(NameProxyResult, (), (fqdn))

/// What the client of an fqdn proxy gets back: `{}`.
struct FqdnProxyResult {};
BOOST_DESCRIBE_STRUCT(FqdnProxyResult, (), ())

}  // namespace trellis::plugins::gateway
