// The state file of a streamer, through the descriptor that it was given.
#pragma once

#include "plugins/common/posix/files.hpp"
#include "plugins/zlogs/status.hpp"

#include <trellis/result.hpp>

namespace trellis::plugins::zlogs {

class StatusFile {
 public:
  explicit StatusFile(UniqueFd fd) : fd_(std::move(fd)) {}

  /// A new status when there is none that can be read.
  [[nodiscard]] Status Read() const;
  /// In one piece: who reads meanwhile gets the old or the new one.
  [[nodiscard]] Result<void> Write(Status status) const;

 private:
  UniqueFd fd_;
};

}  // namespace trellis::plugins::zlogs
