#include "tests/bench/limits/sync_log.hpp"

#include "tests/bench/limits/common.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace trellis::limits {
namespace {
constexpr std::size_t kBytes = std::size_t{128} << 20;
}  // namespace

int MakeZeroFile(std::filesystem::path const& path, std::size_t bytes) {
  int const fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) Die("cannot make " + path.string());
  std::string const zeros(std::size_t{1} << 20, '\0');
  for (std::size_t at = 0; at < bytes; at += zeros.size()) {
    if (::pwrite(fd, zeros.data(), zeros.size(), static_cast<off_t>(at)) < 0) Die("write");
  }
  if (::fsync(fd) != 0) Die("fsync");
  return fd;
}

SyncLog::SyncLog(std::filesystem::path path)
    : path_(std::move(path)), fd_(MakeZeroFile(path_, kBytes)), thread_([this] { Loop(); }) {}

SyncLog::~SyncLog() {
  {
    std::lock_guard const lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_one();
  thread_.join();
  ::close(fd_);
  (void)::unlink(path_.c_str());
}

void SyncLog::Append(std::string const& record, std::function<void()> done) {
  std::lock_guard const lock(mutex_);
  waiting_ += record;
  callbacks_.push_back(std::move(done));
  ready_.notify_one();
}

void SyncLog::WriteAndSync(std::string const& bytes) {
  if (at_ + bytes.size() > kBytes) at_ = 0;
  if (::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(at_)) < 0) Die("write");
  at_ += bytes.size();
  if (::fdatasync(fd_) != 0) Die("fdatasync");
  ++syncs_;
}

void SyncLog::Loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    ready_.wait(lock, [this] { return stopping_ || !callbacks_.empty(); });
    if (stopping_) return;
    auto const bytes = std::exchange(waiting_, {});
    auto const callbacks = std::exchange(callbacks_, {});
    lock.unlock();
    WriteAndSync(bytes);
    for (auto const& callback : callbacks)
      callback();
    lock.lock();
  }
}

}  // namespace trellis::limits
