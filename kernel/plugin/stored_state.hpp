// What a plugin keeps between its lives: its state folder and its keys, of one schema version; and
// the copy of them while a newer version is being tried.
#pragma once

#include "kernel/plugin/kernel_services.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace trellis::plugin {

/// Files above this are no state but what users store: they are neither copied nor brought back.
inline constexpr std::uintmax_t kMaxKeptFile = std::uintmax_t{16} << 20U;
/// More than this altogether is not copied, so that there is no migration either.
inline constexpr std::uintmax_t kMaxKept = std::uintmax_t{256} << 20U;

/// Of one plugin. Everything may be cut short by a crash: Settle puts it right. One thread at once.
class StoredState {
 public:
  /// `folders` holds the state folders of all plugins; the copy lies beside them. Borrows `kernel`.
  StoredState(std::filesystem::path const& folders, std::string const& plugin,
              KernelServices& kernel);

  /// Makes the folder. A copy that nobody decided about takes its place again; one that is not
  /// needed any more goes. True: the copy was brought back.
  Result<bool> Settle() const;
  /// The schema version of what is there; 0 when nothing is.
  [[nodiscard]] Result<std::uint32_t> Version() const;
  Result<void> SetVersion(std::uint32_t version) const;

  /// Copies files and keys. Durable when it returns. What is mounted below the folder is left out.
  Result<void> Keep() const;
  [[nodiscard]] bool IsKept() const;
  /// From now on Settle takes what is there, not the copy.
  Result<void> Decide() const;
  /// Files and keys are again those of the copy, byte for byte, and the copy is gone.
  Result<void> BringBack() const;
  void Drop() const;

 private:
  Result<void> KeepKeys(std::filesystem::path const& file) const;
  Result<void> BringBackKeys() const;

  std::filesystem::path const folder_;
  std::filesystem::path const kept_;  // files/, keys.json, decided
  std::string const plugin_;
  KernelServices& kernel_;
};

}  // namespace trellis::plugin
