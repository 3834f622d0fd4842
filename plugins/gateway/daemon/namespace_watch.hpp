// Tells when network namespaces are removed. One thread.
#pragma once

#include "plugins/gateway/daemon/loop.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>

namespace trellis::plugins::gateway {

/// Which namespace is mounted at the path; 0 when none is.
std::uint64_t NamespaceAt(std::string const& path);

class NamespaceWatch {
 public:
  using Changed = std::function<void(std::string const& path)>;

  /// `changed` is called from the loop with the path of a file that came or went.
  static Result<std::unique_ptr<NamespaceWatch>> Open(Loop& loop, Changed changed);
  ~NamespaceWatch();
  NamespaceWatch(NamespaceWatch const&) = delete;
  NamespaceWatch& operator=(NamespaceWatch const&) = delete;

  /// Tells of the files in the path's folder from now on. Without the kernel's help nothing is
  /// told; who needs to know looks from time to time as well.
  void Watch(std::string const& path);

 private:
  NamespaceWatch(Loop& loop, UniqueFd fd, Changed changed)
      : loop_(loop), fd_(std::move(fd)), changed_(std::move(changed)) {}
  void Read();

  Loop& loop_;
  UniqueFd fd_;
  Changed changed_;
  std::unordered_map<int, std::string> folders_;  // by what the kernel calls them
};

}  // namespace trellis::plugins::gateway
