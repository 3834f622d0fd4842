// Mounts that end with their owner.
#pragma once

#include <trellis/result.hpp>

#include <filesystem>
#include <string>
#include <utility>

namespace trellis::sys {

struct MountOptions {
  std::string source{};
  std::filesystem::path target{};
  std::string type{};  ///< "" for bind mounts and remounts
  unsigned long flags = 0;
  std::string data{};
};

/// Unmounted (lazily) on destruction unless kept.
class Mount {
 public:
  /// kDenied, kNotFound, kBusy, kInvalid (wrong type or data).
  static Result<Mount> Make(MountOptions const& options);
  ~Mount();
  Mount(Mount&& other) noexcept : target_(std::exchange(other.target_, {})) {}
  Mount& operator=(Mount&& other) noexcept {
    std::swap(target_, other.target_);
    return *this;
  }
  Mount(Mount const&) = delete;
  Mount& operator=(Mount const&) = delete;

  [[nodiscard]] std::filesystem::path const& target() const { return target_; }
  /// Leaves it mounted.
  void Keep() { target_.clear(); }

 private:
  explicit Mount(std::filesystem::path target) : target_(std::move(target)) {}
  std::filesystem::path target_;
};

/// Unmounts `target` now, lazily when it is in use. Nothing mounted there is fine.
Result<void> Unmount(std::filesystem::path const& target);

}  // namespace trellis::sys
