// Looks through a whole store beside its use.
#pragma once

#include "kernel/store/database.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>

namespace trellis::store {

/// A smaller file is looked through before it is used.
inline constexpr std::uintmax_t kMostCheckedFirst = std::uintmax_t{16} << 20U;

/// Reads every page of the file on a thread of its own (`store-check`), with less priority than
/// others. Tells `damage` what it finds, and until it is through that it is under way.
class StructureCheck {
 public:
  /// `damage` is borrowed.
  StructureCheck(std::filesystem::path file, Damage& damage);
  /// Ends an unfinished check.
  ~StructureCheck();
  StructureCheck(StructureCheck const&) = delete;
  StructureCheck& operator=(StructureCheck const&) = delete;

  /// Returns when the check is through.
  void Wait();

 private:
  void Run();
  /// Pages in the order of the tree would be read one by one.
  void ReadAhead(Database& database) const;
  [[nodiscard]] bool stopping() const;
  Result<void> Check();

  std::filesystem::path file_;
  Damage* damage_;
  mutable std::mutex mutex_;  // guards the two below
  Database* checked_ = nullptr;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace trellis::store
