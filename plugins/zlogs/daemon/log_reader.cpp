#include "plugins/zlogs/daemon/log_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace trellis::plugins::zlogs {
namespace {

constexpr std::size_t kMaxRecord = 4096;
constexpr std::int64_t kNanoseconds = 1'000'000'000;
/// With more files than this the oldest is given up, so that deleted copies do not fill the disk.
constexpr std::size_t kMaxSegments = 4;

/// Which bytes of the log a rotation copied, and to which file.
struct Rotation {
  std::uint64_t inode = 0;
  std::uint64_t start = 0;
  std::uint64_t end = 0;
};
BOOST_DESCRIBE_STRUCT(Rotation, (), (inode, start, end))

struct stat StatOf(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) info = {};
  return info;
}

std::uint64_t SizeOf(int fd) {
  return static_cast<std::uint64_t>(StatOf(fd).st_size);
}

std::string ReadAt(int fd, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  auto const got = ::pread(fd, bytes.data(), size, static_cast<off_t>(offset));
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

}  // namespace

Result<UniqueFd> LogReader::OpenAt(std::string const& name) const {
  UniqueFd fd(
      ::openat(folder_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return FailErrno("open '{}'", name);
  if (!S_ISREG(StatOf(fd.get()).st_mode)) return Fail(Code::kIo, "'{}' is not a file", name);
  return fd;
}

LogReader::CopyId LogReader::LookAtCopy() const {
  struct stat info {};
  if (::fstatat(folder_.get(), (name_ + ".0").c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return {};
  return {info.st_ino, info.st_mtim.tv_sec * kNanoseconds + info.st_mtim.tv_nsec};
}

Result<void> LogReader::Start(Position const& stored) {
  auto live = OpenAt(name_);
  if (!live && !first_) return tl::unexpected<Error>(live.error());
  if (live && first_ && StatOf(live->get()).st_ino == StatOf(first_.get()).st_ino)
    first_.Reset();  // no need for two
  UniqueFd file = live ? *std::move(live) : std::move(first_);
  if (!Resume(stored, file)) StartAtTail(std::move(file));
  first_.Reset();
  Refresh();
  return {};
}

bool LogReader::Resume(Position const& stored, UniqueFd& live) {
  if (stored.inode == 0) return false;
  auto const is_stored = [&stored](UniqueFd const& fd) {
    if (!fd) return false;
    auto const info = StatOf(fd.get());
    return info.st_ino == stored.inode && info.st_dev == stored.device;
  };
  copy_ = {stored.copy_inode, stored.copy_mtime_ns};
  if (is_stored(live)) {
    segments_.push_back({std::move(live), stored.offset, std::max(stored.size, stored.offset)});
    return true;
  }
  auto before = is_stored(first_) ? Result<UniqueFd>(std::move(first_)) : OpenAt(name_ + ".0");
  if (!before || !is_stored(*before) || SizeOf(before->get()) < stored.offset) return false;
  segments_.push_back({*std::move(before), stored.offset, 0});
  segments_.push_back({std::move(live), 0, 0});
  copy_ = LookAtCopy();
  return true;
}

void LogReader::StartAtTail(UniqueFd live) {
  auto const size = SizeOf(live.get());
  segments_.push_back({std::move(live), size - std::min(size, limits_.tail), size});
  copy_ = LookAtCopy();
}

void LogReader::Refresh() {
  if (flight_) return;  // the place of what is under way must not move
  FollowRotation();
  FollowReplacement();
  DropFinished();
  if (segments_.size() > kMaxSegments) SkipBytes(segments_.front().left());
}

bool LogReader::StillHolds(std::uint64_t start, std::uint64_t end) const {
  constexpr std::uint64_t kCompared = 4096;
  auto const log = segments_.back().fd.get();
  auto const copy = OpenAt(name_ + ".0");
  if (!copy || SizeOf(log) < end) return false;
  auto const size = std::min(end - start, kCompared);
  return ReadAt(log, start, size) == ReadAt(copy->get(), 0, size);
}

void LogReader::FollowRotation() {
  auto& log = segments_.back();
  auto const size = SizeOf(log.fd.get());
  auto const seen = std::max(log.offset, log.size);
  auto const copy = LookAtCopy();
  std::optional<Rotation> record;
  if (copy.inode != 0 && copy != copy_) {
    auto const file = OpenAt(name_ + ".rotated");
    auto const read = file ? json::Parse<Rotation>(ReadAt(file->get(), 0, kMaxRecord))
                           : Result<Rotation>(Fail(Code::kNotFound, "no record"));
    if (read && read->inode == copy.inode) record = *read;
  }
  bool const rotated = size < seen || (record && !StillHolds(record->start, record->end));
  if (rotated) Rotated(copy, record ? record->end : seen, seen);
  // It may have been truncated after the first look.
  segments_.back().size = rotated ? SizeOf(segments_.back().fd.get()) : size;
}

void LogReader::Rotated(CopyId const& copy, std::uint64_t end, std::uint64_t seen) {
  auto& log = segments_.back();
  auto const offset = std::exchange(log.offset, 0);
  auto file = copy.inode != 0 && copy != std::exchange(copy_, copy)
                  ? OpenAt(name_ + ".0")
                  : Result<UniqueFd>(Fail(Code::kNotFound, "no copy"));
  if (!file) end = 0;  // nothing of it is left
  auto const copied = file ? SizeOf(file->get()) : 0;
  auto const start = end - std::min(end, copied);
  if (file) {
    Segment segment{*std::move(file), 0, copied, log.lost, log.skipped};
    segment.offset = offset > start ? std::min(offset - start, copied) : 0;
    segment.lost += start - std::min(start, offset);
    log.lost = log.skipped = 0;
    dropped_ += start - std::min(start, offset);
    segments_.insert(segments_.end() - 1, std::move(segment));
  }
  // Written after the copy was made, seen, not sent.
  auto const lost = seen - std::min(seen, std::max(end, offset));
  segments_.back().lost += lost;
  dropped_ += lost;
}

void LogReader::FollowReplacement() {
  struct stat info {};
  if (::fstatat(folder_.get(), name_.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    problem_ = "the log is gone";
    return;
  }
  problem_.clear();
  auto const known = StatOf(segments_.back().fd.get());
  if (info.st_ino == known.st_ino && info.st_dev == known.st_dev) return;
  auto file = OpenAt(name_);
  if (!file) {
    problem_ = file.error().message;
    return;
  }
  segments_.back().size = SizeOf(segments_.back().fd.get());  // as far as it goes
  auto const size = SizeOf(file->get());
  segments_.push_back({*std::move(file), 0, size});
}

void LogReader::DropFinished() {
  for (std::size_t i = 0; i + 1 < segments_.size(); ++i)
    segments_[i].size = SizeOf(segments_[i].fd.get());
  // The writer may still have the old file, until it has written to the new one.
  while (segments_.size() > 1 && segments_[0].left() == 0 && segments_[1].size > 0) {
    segments_[1].lost += segments_[0].lost;
    segments_[1].skipped += segments_[0].skipped;
    segments_.pop_front();
  }
}

void LogReader::SkipBytes(std::uint64_t drop) {
  std::uint64_t skipped = 0;
  for (;;) {
    auto& front = segments_.front();
    auto const step = std::min(drop, front.left());
    front.offset += step;
    drop -= step;
    skipped += step;
    if (front.left() > 0 || segments_.size() == 1) break;
    segments_[1].lost += front.lost;
    segments_[1].skipped += front.skipped;
    segments_.pop_front();
  }
  segments_.front().skipped += skipped;
  dropped_ += skipped;
}

std::string LogReader::Take(std::size_t max) {
  Abandon();
  auto const copy = LookAtCopy();
  Refresh();
  if (behind() > limits_.lag_limit) SkipBytes(behind() - std::min(behind(), limits_.lag_keep));
  flight_ = Flight{};
  auto& front = segments_.front();
  if (front.lost > 0) return fmt::format("[trellis: {} bytes lost by log rotation]\n", front.lost);
  if (front.skipped > 0) return fmt::format("[trellis: {} bytes skipped]\n", front.skipped);
  for (auto& segment : segments_) {
    if (segment.left() == 0 && &segment != &segments_.back()) continue;
    auto bytes =
        ReadAt(segment.fd.get(), segment.offset, std::min<std::uint64_t>(max, segment.left()));
    // Rotated and maybe written again meanwhile: these bytes are others.
    if (SizeOf(segment.fd.get()) < segment.offset + bytes.size() || LookAtCopy() != copy)
      bytes.clear();
    flight_->bytes = bytes.size();
    if (bytes.empty()) flight_.reset();
    return bytes;
  }
  flight_.reset();
  return {};
}

void LogReader::Accept() {
  if (!flight_) return;
  auto const bytes = std::exchange(flight_, std::nullopt)->bytes;
  auto& front = segments_.front();
  if (bytes == 0) {
    (front.lost > 0 ? front.lost : front.skipped) = 0;
    return;
  }
  auto const segment =
      std::ranges::find_if(segments_, [](auto const& one) { return one.left() > 0; });
  if (segment != segments_.end()) segment->offset += bytes;
  DropFinished();
}

std::uint64_t LogReader::behind() const {
  std::uint64_t total = 0;
  for (auto const& segment : segments_)
    total += segment.left();
  return total;
}

bool LogReader::pending() const {
  auto const& front = segments_.front();
  return front.lost > 0 || front.skipped > 0 || behind() > 0;
}

Position LogReader::position() const {
  auto const segment =
      std::ranges::find_if(segments_, [](auto const& one) { return one.left() > 0; });
  auto const& at = segment == segments_.end() ? segments_.back() : *segment;
  auto const info = StatOf(at.fd.get());
  return {info.st_dev, info.st_ino, at.offset, at.size, copy_.inode, copy_.mtime_ns};
}

}  // namespace trellis::plugins::zlogs
