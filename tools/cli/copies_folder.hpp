// Where private copies of plugins are put for a moment.
#pragma once

#include "kernel/plugin/trust_copies.hpp"

#include <trellis/result.hpp>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <utility>

namespace trellis::cli {

/// A folder for private copies, gone with this object.
class CopiesFolder {
 public:
  static Result<CopiesFolder> Make() {
    std::error_code failed;
    auto pattern = (std::filesystem::temp_directory_path(failed) / "trellis-check-XXXXXX").string();
    if (failed || ::mkdtemp(pattern.data()) == nullptr)
      return Fail(Code::kIo, "cannot make a folder like '{}'", pattern);
    return CopiesFolder(pattern);
  }
  CopiesFolder(CopiesFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  CopiesFolder(CopiesFolder const&) = delete;
  CopiesFolder& operator=(CopiesFolder const&) = delete;
  CopiesFolder& operator=(CopiesFolder&&) = delete;
  ~CopiesFolder() {
    if (path_.empty()) return;
    plugin::TrustCopies(path_).RemoveOthers();
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::filesystem::path const& path() const { return path_; }

 private:
  explicit CopiesFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace trellis::cli
