#include "plugins/zmachine/guest/init/network.hpp"

#include "plugins/zmachine/guest/init/announce.hpp"
#include "plugins/zmachine/guest/init/netlink.hpp"
#include "plugins/zmachine/guest/init/util.hpp"

#include <dirent.h>
#include <net/if.h>
#include <sys/socket.h>

#include <cctype>
#include <cstring>
#include <string>
#include <string_view>

namespace trellis::guest {
namespace {

std::string Lower(std::string_view text) {
  std::string out;
  for (char const c : text) {
    if (c != '\n') out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

/// The name of the interface with this MAC; "" when there is none.
std::string FindByMac(std::string_view mac) {
  auto const wanted = Lower(mac);
  DIR* const folder = ::opendir("/sys/class/net");
  if (folder == nullptr) return {};
  std::string found;
  while (auto const* entry = ::readdir(folder)) {
    std::string const name = entry->d_name;
    if (Lower(ReadFile("/sys/class/net/" + name + "/address", 64)) == wanted) found = name;
  }
  ::closedir(folder);
  return found;
}

void LogProblem(std::string const& interface, std::string const& what, int error) {
  if (error != 0) Log(interface + ": " + what + ": " + std::strerror(error));
}

void AddAddresses(Netlink const& netlink, SeedInterface const& nic, std::string const& name,
                  int index) {
  for (auto const& text : nic.addresses) {
    auto const address = Network::Parse(text);
    if (!address) {
      Log(name + ": bad address '" + text + "'");
      continue;
    }
    LogProblem(name, "address " + text, netlink.AddAddress(index, *address));
  }
}

void AddRoutes(Netlink const& netlink, SeedInterface const& nic, std::string const& name,
               int index) {
  for (auto const& route : nic.routes) {
    auto const via = Network::Parse(route.via);
    auto to = Network::Parse(route.to);
    if (!via || (!to && !route.to.empty())) {
      Log(name + ": bad route '" + route.to + "' via '" + route.via + "'");
      continue;
    }
    if (to && to->prefix == 0) to.reset();
    LogProblem(name, "route " + route.to + " via " + route.via, netlink.AddRoute(index, to, *via));
  }
}

void ConfigureInterface(Netlink const& netlink, SeedInterface const& nic) {
  auto const name = FindByMac(nic.mac);
  int const index = static_cast<int>(::if_nametoindex(name.c_str()));
  if (name.empty() || index == 0) {
    Log("no interface with address " + nic.mac);
    return;
  }
  WriteKernelFile("/proc/sys/net/ipv6/conf/" + name + "/accept_ra", "0");
  LogProblem(name, "up", netlink.SetUp(index));
  AddAddresses(netlink, nic, name, index);
  AddRoutes(netlink, nic, name, index);
  for (auto const& text : nic.addresses) {
    if (auto const address = Network::Parse(text)) Announce(index, nic.mac, *address);
  }
}

}  // namespace

void ConfigureNetwork(Seed const& seed) {
  Netlink const netlink;
  LogProblem("lo", "up", netlink.SetUp(static_cast<int>(::if_nametoindex("lo"))));
  for (auto const& nic : seed.interfaces)
    ConfigureInterface(netlink, nic);
}

}  // namespace trellis::guest
