// Network namespaces.
#pragma once

#include "kernel/sys/fd.hpp"

#include <trellis/result.hpp>

#include <filesystem>

namespace trellis::sys {

/// While it lives the calling thread is in another network namespace. Same thread to the end;
/// scopes nest.
class NetnsScope {
 public:
  /// `file` is a namespace file (`/run/netns/<name>`, `/proc/<pid>/ns/net`). kNotFound, kDenied.
  static Result<NetnsScope> Enter(std::filesystem::path const& file);
  ~NetnsScope();
  NetnsScope(NetnsScope&& other) noexcept = default;
  NetnsScope& operator=(NetnsScope&&) = delete;
  NetnsScope(NetnsScope const&) = delete;
  NetnsScope& operator=(NetnsScope const&) = delete;

 private:
  explicit NetnsScope(UniqueFd previous) : previous_(std::move(previous)) {}
  UniqueFd previous_;  // invalid in a moved-from scope
};

}  // namespace trellis::sys
