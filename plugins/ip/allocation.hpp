// Which public address a workload gets. All functions are pure.
#pragma once

#include "plugins/ip/data.hpp"

#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace trellis::plugins::ip {

struct Address4 {
  IpNet ip;
  IpAddress gateway;
  bool operator==(Address4 const&) const = default;
};

/// What the ip workloads of a deployment ask for and hold, but for one of them.
struct Siblings {
  std::size_t wanted = 0;       ///< with IPv4, the one included
  std::vector<IpAddress> used;  ///< by the others
};
/// `workloads`: all of the deployment; those that are gone do not count.
Siblings LookAtSiblings(std::span<WorkloadView const> workloads, std::string_view id);

/// The addresses that a contract reserves, in its order. kInvalid
/// `malformed ip address in contract '<text>'`.
Result<std::vector<Address4>> Reserved(ContractView const& contract);

/// The first reserved address that no sibling uses, or the `kept` one. kInvalid when the kept one
/// is not reserved any more, kExhausted when there are too few.
Result<Address4> Choose(std::vector<Address4> const& reserved, Siblings const& siblings,
                        std::optional<IpNet> const& kept);

/// The address that a machine with this hardware address gives itself in `prefix`. kInvalid unless
/// that is an IPv6 /64.
Result<IpNet> Slaac(IpNet const& prefix, std::string_view mac);

}  // namespace trellis::plugins::ip
