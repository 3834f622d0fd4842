// Named network namespaces: files in a folder on which a namespace is mounted. Thread-safe.
#pragma once

#include "plugins/common/posix/files.hpp"

#include <functional>
#include <string>
#include <vector>

namespace trellis::plugins::network {

class Namespaces {
 public:
  explicit Namespaces(std::string dir) : dir_(std::move(dir)) {}

  [[nodiscard]] std::string Path(std::string const& name) const { return dir_ + "/" + name; }
  [[nodiscard]] bool Exists(std::string const& name) const;
  /// Creates it when missing.
  Result<void> Ensure(std::string const& name) const;
  /// Unmounts and unlinks; the kernel frees what is in it. OK when missing.
  Result<void> Remove(std::string const& name) const;
  /// kNotFound.
  Result<UniqueFd> Open(std::string const& name) const;
  /// Names of the files in the folder, namespaces or not, sorted.
  Result<std::vector<std::string>> List() const { return ListDir(dir_); }
  /// Runs `function` on a thread of its own inside the namespace and waits for it. "" = here, on
  /// the calling thread.
  Result<void> RunIn(std::string const& name, std::function<Result<void>()> const& function) const;

 private:
  std::string dir_;
};

}  // namespace trellis::plugins::network
