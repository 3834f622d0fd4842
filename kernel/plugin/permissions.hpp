// Permissions: what a plugin asks for in its manifest, and the rights its helper process gets.
#pragma once

#include <trellis/result.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugin {

/// What a helper process may do beyond computing, its two folders and the daemon's answers.
struct HelperRights {
  bool net_admin = false;            ///< net.admin
  bool net_namespace = false;        ///< net.namespace
  bool net_bind_low = false;         ///< net.bind-low
  bool net_connect = false;          ///< net.connect
  bool fs_mount = false;             ///< fs.mount
  bool fs_owner = false;             ///< fs.owner
  std::vector<std::string> read;     ///< fs.read:<path>
  std::vector<std::string> write;    ///< fs.write:<path>
  std::vector<std::string> devices;  ///< device:<path>

  /// kInvalid for a permission that this host does not know or that lacks a part of it.
  static Result<HelperRights> Of(std::vector<std::string> const& permissions);
  /// Mounting and Landlock exclude each other: one that mounts sees all files.
  [[nodiscard]] bool confined() const { return !net_namespace && !fs_mount; }
};

/// Is `permission` among those? `command:zos.x.foo.list` is when `command:zos.x.foo.` is, and
/// `command:` when any command is; so with events.
[[nodiscard]] bool IsGranted(std::span<std::string const> granted, std::string_view permission);

/// The two folders of a node that paths in permissions may begin with, as `{state}` and `{run}`.
struct NodeFolders {
  std::string state;
  std::string run;
};
[[nodiscard]] std::vector<std::string> WithFolders(std::vector<std::string> permissions,
                                                   NodeFolders const& folders);

/// What is both asked for and allowed; everything asked for when nothing is said.
[[nodiscard]] std::vector<std::string> Granted(
    std::vector<std::string> const& asked, std::optional<std::vector<std::string>> const& allowed);
/// What of `asked` is not in `granted`.
[[nodiscard]] std::vector<std::string> Missing(std::vector<std::string> const& asked,
                                               std::vector<std::string> const& granted);

}  // namespace trellis::plugin
