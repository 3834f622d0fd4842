#include "kernel/engine/node_facts.hpp"

namespace trellis::engine {

std::string PublicConfigText(std::optional<ledger::PublicConfig> const& config) {
  if (!config.has_value()) return "null";
  auto const ip6 = config->ip6.value_or(ledger::IpConfig{});
  return boost::json::serialize(boost::json::object{{"type", "macvlan"},
                                                    {"ipv4", config->ip4.ip},
                                                    {"ipv6", ip6.ip},
                                                    {"gw4", config->ip4.gw},
                                                    {"gw6", ip6.gw},
                                                    {"domain", config->domain.value_or("")}});
}

std::string NodeText(std::string_view facts, std::string_view public_config) {
  auto const members = facts.substr(1, facts.rfind('}') - 1);
  return fmt::format(R"({{{}{}"public_config":{}}})", members, members.empty() ? "" : ",",
                     public_config.empty() ? "null" : public_config);
}

}  // namespace trellis::engine
