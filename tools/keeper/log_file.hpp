// The log of one data process: a file with one old generation.
#pragma once

#include "kernel/sys/fd.hpp"

#include <trellis/result.hpp>

#include <cstddef>
#include <string>

namespace trellis::keeper {

inline constexpr std::size_t kMaxLogFile = std::size_t{8} << 20U;

class LogFile {
 public:
  LogFile() = default;
  explicit LogFile(std::string path) : path_(std::move(path)) {}

  /// Appends what can be read from the non-blocking `pipe`. False at its end.
  bool Drain(int pipe);

 private:
  void Append(std::string_view text);
  void Open();
  void Rotate();

  std::string path_;
  sys::UniqueFd fd_;
  std::size_t size_ = 0;
};

}  // namespace trellis::keeper
