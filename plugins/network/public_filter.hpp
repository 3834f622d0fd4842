// The packet filter of public addresses: what a machine may send and receive on its public tap. All
// in the table `bridge trellis`: two chains for each ip workload, found by the tap's name through
// maps, so that a frame costs the same however many there are. Every change is one transaction.
#pragma once

#include "plugins/network/names.hpp"

#include <trellis/services/net.hpp>

#include <cstdint>
#include <string>

namespace trellis::plugins::network {

/// The tap of an ip workload, whatever machine has it.
std::string PublicTap(std::string_view ip_workload);
/// The hardware address of the machine's side of it.
MacAddress PublicMac(std::string_view ip_workload);

/// The rules of what comes from the machine, of what goes to it. Pure.
std::string RulesFromMachine(services::PublicFilter const& filter);
std::string RulesToMachine(services::PublicFilter const& filter);

/// Makes the filter exactly this one, in the calling thread's namespace. Whatever of it was there
/// already is replaced; true when anything was not as wanted. Counters start anew with the rules.
Result<bool> ApplyPublicFilter(services::PublicFilter const& filter);
/// Removes what is there of it. OK when nothing is.
Result<void> RemovePublicFilter(std::string_view ip_workload);
/// Removes the filters of all.
Result<void> RemovePublicFilters();

struct PublicFilterState {
  std::string difference;     ///< the first thing that is not as `filter` says; "" = none
  std::uint64_t dropped = 0;  ///< frames
};
Result<PublicFilterState> LookAtPublicFilter(services::PublicFilter const& filter);

}  // namespace trellis::plugins::network
