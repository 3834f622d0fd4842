// What the cidata volume says, as values.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trellis::guest {

struct SeedRoute {
  std::string to;  // network; empty: default
  std::string via;
};

struct SeedInterface {
  std::string mac;
  std::vector<std::string> addresses;
  std::vector<SeedRoute> routes;  // gateways are default routes at the end
};

struct SeedMount {
  std::string source;
  std::string target;
  std::string type;
};

/// Everything a guest is told.
struct Seed {
  std::string hostname;
  std::vector<SeedInterface> interfaces;
  std::vector<std::string> nameservers;
  std::vector<std::string> ssh_keys;
  std::vector<SeedMount> mounts;
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<std::string> command;  // the entrypoint's words

  /// The last value of an env key; "" when there is none.
  [[nodiscard]] std::string Env(std::string_view key) const;
};

void ParseMetaData(std::string_view text, Seed& seed);
void ParseNetworkConfig(std::string_view text, Seed& seed);
void ParseUserData(std::string_view text, Seed& seed);
/// Shell text of the three forms the node writes: `export K='v'`, `init='…'`, `set -- …`.
void ParseZosRc(std::string_view text, Seed& seed);

}  // namespace trellis::guest
