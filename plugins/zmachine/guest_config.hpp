// What a machine's guest is told: the four text files of the cidata volume, and the mount rules.
#pragma once

#include <trellis/result.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::zmachine {

/// Words to /init among the env: the entrypoint's working directory and its user (`name`, `uid`,
/// each with `:group` or `:gid`). The entrypoint does not see them.
inline constexpr std::string_view kCwdVariable = "TRELLIS_CWD";
inline constexpr std::string_view kUserVariable = "TRELLIS_USER";

/// One route of a guest interface; default routes are the gateways of GuestInterface.
struct GuestRoute {
  std::string to;   // network, "10.1.0.0/16"
  std::string via;  // address of the gateway
};

/// One interface, found in the guest by its MAC; the position in the list gives eth0, eth1, ….
struct GuestInterface {
  std::string mac;                     // "52:54:00:12:34:56"
  std::vector<std::string> addresses;  // with prefix length
  std::string gateway4;                // empty: no default route
  std::string gateway6;
  std::vector<GuestRoute> routes;
};

/// Where `outer` has addresses of a family, the way outside is its own and not that of `inner`.
void LeadOutside(GuestInterface& inner, GuestInterface const& outer);

/// One mount of a container: a disk (`/dev/vdX`, type `auto`) or a share (tag, type `virtiofs`).
struct GuestMount {
  std::string source;
  std::string target;
  std::string type;
};

/// Everything a guest learns from its cidata volume. All texts are as the client sent them.
struct GuestConfig {
  std::string id;                             // workload id
  std::string hostname;                       // workload name
  std::vector<GuestInterface> interfaces;     // private, public, planetary, mycelium
  std::vector<std::string> nameservers;       // written at eth0
  std::map<std::string, std::string> env;     // image's env already merged
  std::vector<GuestMount> mounts;             // container kinds only; already ordered
  std::vector<std::string> entrypoint_words;  // empty: /sbin/init
};

/// `instance-id` and `local-hostname`.
std::string MetaDataText(GuestConfig const& config);
/// Netplan version 2 text; every scalar that YAML could misread is quoted.
std::string NetworkConfigText(GuestConfig const& config);
/// `users` with the keys of env `SSH_KEY`, and `mounts`.
std::string UserDataText(GuestConfig const& config);
/// Shell text: exports sorted by key, `init=`, `set --`. kInvalid for a bad env key.
Result<std::string> ZosRcText(GuestConfig const& config);

/// kInvalid unless the key is [A-Za-z_][A-Za-z0-9_]* of at most 128 bytes.
Result<void> CheckEnvKey(std::string_view key);

/// Splits at newlines and commas, trims, drops empty pieces.
std::vector<std::string> SplitSshKeys(std::string_view text);

/// The device of the n-th disk of a guest: `/dev/vda`, …, `/dev/vdz`, `/dev/vdaa`.
std::string DiskDevice(std::size_t index);

/// Cleans every target (`//`, `.`, trailing `/`) and sorts by depth, so that /a precedes /a/b.
/// kInvalid `validating disk <target>: mount target can't be …` for a relative path, one with `..`,
/// NUL or newline, `/`, anything at or below /proc, /sys, /dev, a duplicate, more than 255 bytes.
Result<std::vector<GuestMount>> OrderMounts(std::vector<GuestMount> mounts);

}  // namespace trellis::plugins::zmachine
