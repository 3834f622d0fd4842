#include "kernel/plugin/permissions.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace trellis::plugin {

namespace {

constexpr std::size_t kMaxPermission = 4096;

struct Flag {
  std::string_view name;
  bool HelperRights::*right;  ///< nullptr: decided by the daemon alone
};
constexpr std::array kFlags{
    Flag{"net.admin", &HelperRights::net_admin},
    Flag{"net.namespace", &HelperRights::net_namespace},
    Flag{"net.bind-low", &HelperRights::net_bind_low},
    Flag{"net.connect", &HelperRights::net_connect},
    Flag{"fs.mount", &HelperRights::fs_mount},
    Flag{"fs.owner", &HelperRights::fs_owner},
    Flag{"deployment.shared", nullptr},
    Flag{"deployment.all", nullptr},
    Flag{"contract.read", nullptr},
    Flag{"twin.read", nullptr},
    Flag{"name.read", nullptr},
    Flag{"process.spawn", nullptr},
    Flag{"engine.report", nullptr},
};

struct Prefixed {
  std::string_view prefix;
  std::vector<std::string> HelperRights::*paths;  ///< nullptr: decided by the daemon alone
  bool path;
};
constexpr std::array kPrefixed{
    Prefixed{"fs.read:", &HelperRights::read, true},
    Prefixed{"fs.write:", &HelperRights::write, true},
    Prefixed{"device:", &HelperRights::devices, true},
    Prefixed{"unix:", nullptr, true},  // socket files have modes of their own
    Prefixed{"command:", nullptr, false},
    Prefixed{"event:", nullptr, false},
};

bool Contains(std::vector<std::string> const& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool IsPath(std::string_view text) {
  constexpr std::string_view kUp = "/..";
  return (text.starts_with('/') || text.starts_with("{state}") || text.starts_with("{run}")) &&
         text.find(kUp) == std::string_view::npos;
}

Result<void> AddPrefixed(std::string const& permission, HelperRights& rights) {
  auto const* const found = std::find_if(kPrefixed.begin(), kPrefixed.end(), [&](auto const& kind) {
    return permission.starts_with(kind.prefix);
  });
  if (found == kPrefixed.end()) return Fail(Code::kInvalid, "unknown permission '{}'", permission);
  auto const rest = permission.substr(found->prefix.size());
  if (rest.empty() || (found->path && !IsPath(rest)))
    return Fail(Code::kInvalid, "permission '{}' needs {} after the colon", permission,
                found->path ? "an absolute path" : "a prefix");
  if (found->paths != nullptr) (rights.*(found->paths)).push_back(rest);
  return {};
}

void Replace(std::string& text, std::string_view what, std::string_view with) {
  auto const at = text.find(what);
  if (at != std::string::npos) text.replace(at, what.size(), with);
}

}  // namespace

Result<HelperRights> HelperRights::Of(std::vector<std::string> const& permissions) {
  HelperRights rights;
  for (auto const& permission : permissions) {
    if (permission.size() > kMaxPermission)
      return Fail(Code::kInvalid, "a permission is longer than {} bytes", kMaxPermission);
    auto const* const flag = std::find_if(
        kFlags.begin(), kFlags.end(), [&](auto const& known) { return known.name == permission; });
    if (flag == kFlags.end()) {
      TRELLIS_CHECK(AddPrefixed(permission, rights));
    } else if (flag->right != nullptr) {
      rights.*(flag->right) = true;
    }
  }
  return rights;
}

bool IsGranted(std::span<std::string const> granted, std::string_view permission) {
  constexpr std::array<std::string_view, 2> kNames{"command:", "event:"};
  auto const kind =
      std::ranges::find_if(kNames, [&](auto const name) { return permission.starts_with(name); });
  return std::ranges::any_of(granted, [&](std::string_view const entry) {
    if (entry == permission) return true;
    if (kind == kNames.end() || !entry.starts_with(*kind)) return false;
    return permission == *kind || permission.starts_with(entry);
  });
}

std::vector<std::string> WithFolders(std::vector<std::string> permissions,
                                     NodeFolders const& folders) {
  for (auto& permission : permissions) {
    Replace(permission, "{state}", folders.state);
    Replace(permission, "{run}", folders.run);
  }
  return permissions;
}

std::vector<std::string> Granted(std::vector<std::string> const& asked,
                                 std::optional<std::vector<std::string>> const& allowed) {
  if (!allowed) return asked;
  std::vector<std::string> granted;
  std::copy_if(asked.begin(), asked.end(), std::back_inserter(granted),
               [&](auto const& permission) { return Contains(*allowed, permission); });
  return granted;
}

std::vector<std::string> Missing(std::vector<std::string> const& asked,
                                 std::vector<std::string> const& granted) {
  std::vector<std::string> missing;
  std::copy_if(asked.begin(), asked.end(), std::back_inserter(missing),
               [&](auto const& permission) { return !Contains(granted, permission); });
  return missing;
}

}  // namespace trellis::plugin
