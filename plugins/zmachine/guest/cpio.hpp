// newc cpio archives, which the kernel unpacks as its first root file system.
#pragma once

#include <trellis/result.hpp>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace trellis::plugins::zmachine {

/// Builds one archive in memory; owner is root, times are 0, so equal input gives equal bytes.
class CpioWriter {
 public:
  /// `path` has no leading slash; its folder must have been added before.
  void AddFolder(std::string_view path);
  void AddFile(std::string_view path, std::uint32_t permissions,
               std::span<std::uint8_t const> content);
  /// Ends the archive and hands it over.
  std::vector<std::uint8_t> Finish() &&;

 private:
  void AddEntry(std::string_view path, std::uint32_t mode, std::span<std::uint8_t const> content);
  void Pad();

  std::vector<std::uint8_t> bytes_;
  std::uint32_t next_inode_ = 1;
};

/// gzip at the best level, without a time stamp.
Result<std::vector<std::uint8_t>> Gzip(std::span<std::uint8_t const> plain);

}  // namespace trellis::plugins::zmachine
