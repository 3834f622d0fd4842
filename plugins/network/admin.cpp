#include "plugins/network/admin.hpp"

#include "plugins/network/host_addresses.hpp"
#include "plugins/network/links.hpp"

namespace trellis::plugins::network {

namespace {

constexpr std::size_t kMaxMac = 64;

Result<std::string> MacOf(std::string const& name) {
  TRELLIS_TRY(auto mac, ReadFile("/sys/class/net/" + name + "/address", kMaxMac));
  mac.erase(mac.find_last_not_of(" \n") + 1);
  return mac;
}

}  // namespace

Result<std::map<std::string, NicFacts>> Nics() {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const names, links.Names());
  TRELLIS_TRY(auto const management, DefaultLink());
  std::map<std::string, NicFacts> nics;
  for (auto const& name : names) {
    TRELLIS_TRY(auto const link, links.Find(name));
    bool const hardware = link.has_value() && link->kind.empty() && name != "lo";
    if (!link.has_value() || (!hardware && name != management)) continue;
    NicFacts facts;
    TRELLIS_TRY(auto const addresses, links.Addresses(link->index));
    for (auto const& address : addresses)
      facts.ips.push_back(address.ToString());
    if (auto mac = MacOf(name)) facts.mac = *std::move(mac);
    nics.emplace(name, std::move(facts));
  }
  return nics;
}

Result<std::string> NicIn(std::string_view payload) {
  auto name = json::Parse<std::string>(payload);
  if (!name)
    return Fail(Code::kDecode, "failed to decode input, expecting string: {}",
                name.error().message);
  TRELLIS_TRY(auto const nics, Nics());
  if (!nics.contains(*name)) return Fail(Code::kNotFound, "no interface '{}'", *name);
  return *std::move(name);
}

}  // namespace trellis::plugins::network
