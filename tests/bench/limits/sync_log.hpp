// A log that writes and syncs whatever waits: the least a durable daemon can do.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace trellis::limits {

/// 128 MB of zeros, overwritten from the start again when full. Safe for use by several threads.
class SyncLog {
 public:
  explicit SyncLog(std::filesystem::path path);
  ~SyncLog();
  SyncLog(SyncLog const&) = delete;
  SyncLog& operator=(SyncLog const&) = delete;

  /// `done` runs on the log's thread after the sync that covers `record`.
  void Append(std::string const& record, std::function<void()> done);
  [[nodiscard]] std::uint64_t syncs() const { return syncs_; }

 private:
  void Loop();
  void WriteAndSync(std::string const& bytes);

  std::filesystem::path path_;
  int fd_ = -1;
  std::size_t at_ = 0;
  std::atomic<std::uint64_t> syncs_{0};
  std::mutex mutex_;  // guards the rest
  std::condition_variable ready_;
  std::string waiting_;
  std::vector<std::function<void()>> callbacks_;
  bool stopping_ = false;
  std::thread thread_;
};

/// A file of `bytes` zeros, written out and synced, open for writing.
[[nodiscard]] int MakeZeroFile(std::filesystem::path const& path, std::size_t bytes);

}  // namespace trellis::limits
