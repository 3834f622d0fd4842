// The log as one stream of bytes, over rotation, replacement and restarts.
#pragma once

#include "plugins/common/posix/files.hpp"
#include "plugins/zlogs/status.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace trellis::plugins::zlogs {

/// Not thread-safe.
///
/// The file may be rotated by copying its end to `<name>.0` and truncating it (zmachine also writes
/// `<name>.rotated`: which bytes were copied), or by renaming it and making a new one.
class LogReader {
 public:
  struct Limits {
    std::uint64_t tail = 0;       ///< a new stream begins so many bytes before the end
    std::uint64_t lag_limit = 0;  ///< more than this unsent: skip …
    std::uint64_t lag_keep = 0;   ///< … to the last so many
  };

  /// `file` is the log, or what it was when the streamer was started first.
  LogReader(UniqueFd folder, UniqueFd file, std::string name, Limits const& limits)
      : folder_(std::move(folder)),
        first_(std::move(file)),
        name_(std::move(name)),
        limits_(limits) {}

  /// Before everything else: where `stored` says, else at the tail.
  Result<void> Start(Position const& stored);
  /// Looks whether there is more, and whether the file was rotated or replaced. Cheap.
  void Refresh();
  /// The next bytes, at most `max`, or a line that tells of lost ones; empty when there are none.
  /// They are given again until they are accepted.
  std::string Take(std::size_t max);
  /// What was taken last has arrived.
  void Accept();
  /// … or has not, or nobody knows.
  void Abandon() { flight_.reset(); }

  /// Unsent bytes.
  [[nodiscard]] std::uint64_t behind() const;
  /// Something can be taken.
  [[nodiscard]] bool pending() const;
  [[nodiscard]] Position position() const;
  /// Bytes that were skipped or lost.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }
  /// Why the file at the path is not followed; "" = it is.
  [[nodiscard]] std::string const& problem() const { return problem_; }

 private:
  /// A file that is read; all but the last are read to their end.
  struct Segment {
    UniqueFd fd;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint64_t lost = 0;     // bytes missing before it, by rotation
    std::uint64_t skipped = 0;  // … by us
    [[nodiscard]] std::uint64_t left() const { return size > offset ? size - offset : 0; }
  };
  /// What was taken: bytes, or a marker.
  struct Flight {
    std::uint64_t bytes = 0;
  };
  struct CopyId {
    std::uint64_t inode = 0;
    std::int64_t mtime_ns = 0;
    bool operator==(CopyId const&) const = default;
  };

  [[nodiscard]] Result<UniqueFd> OpenAt(std::string const& name) const;
  [[nodiscard]] CopyId LookAtCopy() const;
  void StartAtTail(UniqueFd live);
  /// True when the stored place was found again.
  bool Resume(Position const& stored, UniqueFd& live);
  void FollowRotation();
  /// The log has the bytes that were copied: it is truncated after that, and may have grown again.
  [[nodiscard]] bool StillHolds(std::uint64_t start, std::uint64_t end) const;
  /// `end`: where the copy ended in the log; `seen`: how far the log went.
  void Rotated(CopyId const& copy, std::uint64_t end, std::uint64_t seen);
  void FollowReplacement();
  void DropFinished();
  /// Takes them from the front and notes how many.
  void SkipBytes(std::uint64_t drop);

  UniqueFd folder_;
  UniqueFd first_;
  std::string name_;
  Limits limits_;
  std::deque<Segment> segments_;  // the last one is the log itself
  CopyId copy_;                   // the newest copy that was taken into account
  std::optional<Flight> flight_;
  std::uint64_t dropped_ = 0;
  std::string problem_;
};

}  // namespace trellis::plugins::zlogs
