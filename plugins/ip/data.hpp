// The data of an ip workload: public addresses for a machine of the same deployment.
#pragma once

#include <trellis/sdk.hpp>

namespace trellis::plugins::ip {

/// Position among the types of a deployment.
inline constexpr std::uint32_t kRank = 410;

/// Pure: every function may run on any thread.
struct PublicIp {
  bool v4 = false;
  bool v6 = false;

  /// ip_no_selection.
  [[nodiscard]] Result<void> Valid(WorkloadGetter const&) const;
  void Challenge(ChallengeWriter& out) const;
  [[nodiscard]] trellis::Capacity Capacity() const;
};
BOOST_DESCRIBE_STRUCT(PublicIp, (), (v4, v6))

/// What the client gets back; unset addresses are "".
struct PublicIpResult {
  IpNet ip;
  IpNet ip6;
  IpAddress gateway;
  bool operator==(PublicIpResult const&) const = default;
};
BOOST_DESCRIBE_STRUCT(PublicIpResult, (), (ip, ip6, gateway))

}  // namespace trellis::plugins::ip
