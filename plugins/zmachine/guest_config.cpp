#include "plugins/zmachine/guest_config.hpp"

#include "plugins/zmachine/entrypoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <set>

namespace trellis::plugins::zmachine {
namespace {

constexpr std::string_view kHeader = "#cloud-config\n";
constexpr std::size_t kMaxEnvKey = 128;

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

/// A YAML double-quoted scalar. Unquoted, a MAC is a base-60 number for YAML 1.1 readers.
std::string Scalar(std::string_view text) {
  std::string out = "\"";
  for (char const c : text) {
    auto const byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(byte));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

void AppendList(std::string& out, std::string_view indent, std::vector<std::string> const& items) {
  for (auto const& item : items)
    out += fmt::format("{}- {}\n", indent, Scalar(item));
}

std::string InterfaceText(GuestInterface const& nic, std::size_t index,
                          std::vector<std::string> const& nameservers) {
  std::string out = fmt::format("  eth{}:\n    match:\n      macaddress: {}\n    dhcp4: false\n",
                                index, Scalar(nic.mac));
  if (!nic.addresses.empty()) {
    out += "    addresses:\n";
    AppendList(out, "      ", nic.addresses);
  }
  if (!nic.gateway4.empty()) out += fmt::format("    gateway4: {}\n", Scalar(nic.gateway4));
  if (!nic.gateway6.empty()) out += fmt::format("    gateway6: {}\n", Scalar(nic.gateway6));
  if (!nic.routes.empty()) out += "    routes:\n";
  for (auto const& route : nic.routes) {
    out += fmt::format("      - to: {}\n        via: {}\n", Scalar(route.to), Scalar(route.via));
  }
  if (index == 0 && !nameservers.empty()) {
    out += "    nameservers:\n      addresses:\n";
    AppendList(out, "        ", nameservers);
  }
  return out;
}

std::size_t Depth(GuestMount const& mount) {
  return static_cast<std::size_t>(std::count(mount.target.begin(), mount.target.end(), '/'));
}

tl::unexpected<Error> BadTarget(std::string_view target, std::string_view why) {
  return Fail(Code::kInvalid, "validating disk {}: mount target can't be {}", target, why);
}

Result<std::string> CleanTarget(std::string const& target) {
  using namespace std::string_view_literals;
  constexpr std::size_t kMaxTarget = 255;
  if (target.find_first_of("\0\n"sv) != std::string::npos) {
    return BadTarget("target", "a path with control characters");
  }
  if (target.empty() || target.front() != '/') return BadTarget(target, "a relative path");
  if (target.size() > kMaxTarget) return BadTarget("target", "longer than 255 bytes");
  std::string clean;
  std::string first;
  std::string_view rest = target;
  while (!rest.empty()) {
    auto const end = std::min(rest.find('/'), rest.size());
    auto const part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (part.empty() || part == ".") continue;
    if (part == "..") return BadTarget(target, "a path with '..'");
    if (clean.empty()) first = part;
    clean.append("/").append(part);
  }
  if (clean.empty()) return BadTarget(target, "the root directory");
  if (first == "proc" || first == "sys" || first == "dev") {
    return BadTarget(target, "in a system directory");
  }
  return clean;
}

}  // namespace

void LeadOutside(GuestInterface& inner, GuestInterface const& outer) {
  for (auto const& address : outer.addresses) {
    bool const v6 = address.find(':') != std::string::npos;
    (v6 ? inner.gateway6 : inner.gateway4).clear();
  }
}

std::string MetaDataText(GuestConfig const& config) {
  return fmt::format("{}instance-id: {}\nlocal-hostname: {}\n", kHeader, Scalar(config.id),
                     Scalar(config.hostname));
}

std::string NetworkConfigText(GuestConfig const& config) {
  std::string out = fmt::format("{}version: 2\n", kHeader);
  if (config.interfaces.empty()) return out + "ethernets: {}\n";
  out += "ethernets:\n";
  std::size_t index = 0;
  for (auto const& nic : config.interfaces)
    out += InterfaceText(nic, index++, config.nameservers);
  return out;
}

std::string UserDataText(GuestConfig const& config) {
  std::string out(kHeader);
  auto const key = config.env.find("SSH_KEY");
  auto const keys =
      key == config.env.end() ? std::vector<std::string>() : SplitSshKeys(key->second);
  if (keys.empty()) {
    out += "users: []\n";
  } else {
    out += "users:\n  - name: root\n    ssh_authorized_keys:\n";
    AppendList(out, "      ", keys);
  }
  if (!config.mounts.empty()) out += "mounts:\n";
  for (auto const& mount : config.mounts) {
    out += fmt::format("  - [{}, {}, {}, \"defaults\", \"0\", \"0\"]\n", Scalar(mount.source),
                       Scalar(mount.target), Scalar(mount.type));
  }
  return out;
}

Result<std::string> ZosRcText(GuestConfig const& config) {
  std::string out;
  for (auto const& [key, value] : config.env) {
    TRELLIS_CHECK(CheckEnvKey(key));
    if (value.find('\0') != std::string::npos) {
      return Fail(Code::kInvalid, "environment variable '{}' holds a NUL byte", key);
    }
    out += fmt::format("export {}={}\n", key, QuoteForShell(value));
  }
  auto const& words = config.entrypoint_words;
  out += fmt::format("init={}\n", QuoteForShell(words.empty() ? "/sbin/init" : words.front()));
  if (words.size() > 1) {
    out += "set --";
    for (auto word = std::next(words.begin()); word != words.end(); ++word) {
      out += ' ';
      out += QuoteForShell(*word);
    }
    out += '\n';
  }
  return out;
}

Result<void> CheckEnvKey(std::string_view key) {
  bool const good =
      !key.empty() && key.size() <= kMaxEnvKey && IsLetter(key.front()) &&
      std::all_of(key.begin(), key.end(), [](char c) { return IsLetter(c) || IsDigit(c); });
  if (!good) {
    return Fail(Code::kInvalid, "invalid environment variable name '{}'",
                key.substr(0, kMaxEnvKey));
  }
  return {};
}

std::vector<std::string> SplitSshKeys(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  std::vector<std::string> keys;
  while (!text.empty()) {
    auto const end = std::min(text.find_first_of("\n,"), text.size());
    auto piece = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    piece.remove_prefix(std::min(piece.find_first_not_of(kBlanks), piece.size()));
    piece = piece.substr(0, piece.find_last_not_of(kBlanks) + 1);
    if (!piece.empty()) keys.emplace_back(piece);
  }
  return keys;
}

std::string DiskDevice(std::size_t index) {
  constexpr std::size_t kLetters = 26;
  std::string letters;
  for (std::size_t rest = index + 1; rest > 0; rest = (rest - 1) / kLetters) {
    letters.insert(letters.begin(), static_cast<char>('a' + (rest - 1) % kLetters));
  }
  return "/dev/vd" + letters;
}

Result<std::vector<GuestMount>> OrderMounts(std::vector<GuestMount> mounts) {
  std::set<std::string> seen;
  for (auto& mount : mounts) {
    TRELLIS_TRY(auto clean, CleanTarget(mount.target));
    if (!seen.insert(clean).second) return BadTarget(mount.target, "used twice");
    mount.target = std::move(clean);
  }
  std::stable_sort(mounts.begin(), mounts.end(),
                   [](auto const& a, auto const& b) { return Depth(a) < Depth(b); });
  return mounts;
}

}  // namespace trellis::plugins::zmachine
