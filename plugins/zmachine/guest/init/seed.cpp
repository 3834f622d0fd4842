#include "plugins/zmachine/guest/init/seed.hpp"

#include "plugins/zmachine/guest/init/yaml.hpp"

#include <algorithm>
#include <cstddef>

namespace trellis::guest {
namespace {

/// Takes the words of one command; a newline inside quotes belongs to its word.
std::vector<std::string> TakeCommand(std::string_view& text) {
  std::vector<std::string> words;
  std::string word;
  bool open = false;  // a word has begun, though it may be empty
  char quote = 0;
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    char const c = text[at];
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      open = true;
    } else if (c == ' ' || c == '\n') {
      if (open) words.push_back(std::move(word));
      word.clear();
      open = false;
      if (c == '\n') break;
    } else {
      word += c;
      open = true;
    }
  }
  if (open) words.push_back(std::move(word));
  text.remove_prefix(std::min(at + 1, text.size()));
  return words;
}

void AddDefaultRoute(YamlNode const& nic, std::string_view key, SeedInterface& out) {
  auto const& gateway = nic.At(key).scalar;
  if (!gateway.empty()) out.routes.push_back({"", gateway});
}

}  // namespace

std::string Seed::Env(std::string_view key) const {
  std::string out;
  for (auto const& [name, value] : env) {
    if (name == key) out = value;
  }
  return out;
}

void ParseMetaData(std::string_view text, Seed& seed) {
  seed.hostname = ParseYaml(text).At("local-hostname").scalar;
}

void ParseNetworkConfig(std::string_view text, Seed& seed) {
  auto const config = ParseYaml(text);
  for (auto const& [name, nic] : config.At("ethernets").map) {
    SeedInterface out;
    out.mac = nic.At("match").At("macaddress").scalar;
    out.addresses = nic.At("addresses").Scalars();
    for (auto const& route : nic.At("routes").list) {
      out.routes.push_back({route.At("to").scalar, route.At("via").scalar});
    }
    AddDefaultRoute(nic, "gateway4", out);
    AddDefaultRoute(nic, "gateway6", out);
    for (auto& server : nic.At("nameservers").At("addresses").Scalars()) {
      seed.nameservers.push_back(std::move(server));
    }
    seed.interfaces.push_back(std::move(out));
  }
}

void ParseUserData(std::string_view text, Seed& seed) {
  auto const config = ParseYaml(text);
  for (auto const& user : config.At("users").list) {
    if (user.At("name").scalar == "root") {
      seed.ssh_keys = user.At("ssh_authorized_keys").Scalars();
    }
  }
  constexpr std::size_t kFieldsUsed = 3;
  for (auto const& mount : config.At("mounts").list) {
    auto const fields = mount.Scalars();
    if (fields.size() >= kFieldsUsed) seed.mounts.push_back({fields[0], fields[1], fields[2]});
  }
}

void ParseZosRc(std::string_view text, Seed& seed) {
  std::vector<std::string> arguments;
  std::string program;
  while (!text.empty()) {
    auto const words = TakeCommand(text);
    if (words.empty()) continue;
    if (words.size() == 2 && words[0] == "export") {
      auto const split = words[1].find('=');
      if (split == std::string::npos) continue;
      seed.env.emplace_back(words[1].substr(0, split), words[1].substr(split + 1));
    } else if (words[0].starts_with("init=")) {
      program = words[0].substr(5);
    } else if (words.size() > 2 && words[0] == "set" && words[1] == "--") {
      arguments.assign(words.begin() + 2, words.end());
    }
  }
  seed.command.clear();
  if (program.empty()) return;
  seed.command.push_back(std::move(program));
  seed.command.insert(seed.command.end(), arguments.begin(), arguments.end());
}

}  // namespace trellis::guest
