// What the node answers to questions about the one name that proves its domain to a certificate
// authority. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::gateway {

/// The zone `_acme-challenge.<domain>`, which the domain delegates to the node.
struct DnsZone {
  std::string name;              ///< of the zone; no dot at the end
  std::string server;            ///< its name server: the domain
  std::vector<std::string> txt;  ///< at most 255 bytes each
};

/// The reply to one message: TXT, SOA and NS of the zone's name, nothing of other types, REFUSED
/// for every other name. Empty when it is no question that could be answered at all.
std::string AnswerDns(DnsZone const& zone, std::string_view message);

}  // namespace trellis::plugins::gateway
