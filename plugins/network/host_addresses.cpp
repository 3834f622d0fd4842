#include "plugins/network/host_addresses.hpp"

#include "plugins/network/links.hpp"

#include <algorithm>
#include <sstream>

namespace trellis::plugins::network {

namespace {

constexpr char const* kZos = "zos";  // the management bridge, where there is one
constexpr std::size_t kMaxRoutes = std::size_t{1} << 20;

}  // namespace

// Lines of /proc/net/route: link, destination, gateway, ... in hex; the default has destination 0
// and mask 0.
Result<std::string> DefaultLink() {
  TRELLIS_TRY(auto const text, ReadFile("/proc/thread-self/net/route", kMaxRoutes));
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::string link;
    std::string destination;
    std::string skipped;
    std::string mask;
    fields >> link >> destination >> skipped >> skipped >> skipped >> skipped >> skipped >> mask;
    if (destination == "00000000" && mask == "00000000") return link;
  }
  return std::string();
}

Result<std::vector<IpAddress>> ManagementAddresses(std::string name) {
  TRELLIS_TRY(auto links, Links::Open());
  if (name.empty()) {
    TRELLIS_TRY(auto const zos, links.Find(kZos));
    if (zos) name = kZos;
  }
  if (name.empty()) {
    TRELLIS_TRY(name, DefaultLink());
  }
  if (name.empty()) return std::vector<IpAddress>();
  TRELLIS_TRY(auto const link, links.Get(name));
  TRELLIS_TRY(auto const addresses, links.Addresses(link.index));
  std::vector<IpAddress> out;
  for (auto const& address : addresses) {
    bool const local = address.ip.is_v6() && (address.ip.bytes()[0] & 0xfeU) == 0xfc;
    if (!local && !IsLinkLocal(address.ip)) out.push_back(address.ip);
  }
  return out;
}

Result<bool> HasPublicV6() {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const addresses, links.Addresses(0));
  return std::any_of(addresses.begin(), addresses.end(),
                     [](IpNet const& address) { return IsGlobalV6(address.ip); });
}

}  // namespace trellis::plugins::network
