// What the farmer sees of the node's own network.
#pragma once

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::network {

struct NicFacts {
  std::vector<std::string> ips;  ///< with prefix length
  std::string mac;
};
BOOST_DESCRIBE_STRUCT(NicFacts, (), (ips, mac))

/// How public traffic leaves: over the management interface, or over one of its own.
struct PublicNic {
  bool is_single = true;
  bool is_dual = false;
  std::string dual_interface;
  /// `interface` "" = the management interface.
  static PublicNic On(std::string const& interface) {
    return {interface.empty(), !interface.empty(), interface};
  }
};
BOOST_DESCRIBE_STRUCT(PublicNic, (), (is_single, is_dual, dual_interface))

/// Hardware interfaces and the one with the default route, of the calling thread's namespace.
Result<std::map<std::string, NicFacts>> Nics();

/// `payload`: JSON text, the name of one of Nics(). kDecode, kNotFound.
Result<std::string> NicIn(std::string_view payload);

}  // namespace trellis::plugins::network
