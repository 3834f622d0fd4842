// What is being made, by key: whoever wants the same waits for it.
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <string>

namespace trellis::plugins::flist {

/// Thread-safe.
class BusyKeys {
 public:
  /// Keeps others off one key as long as it lives.
  class Hold {
   public:
    Hold(BusyKeys& keys, std::string key) : keys_(keys), key_(std::move(key)) {
      std::unique_lock lock(keys_.mutex_);
      keys_.free_.wait(lock, [&] { return !keys_.busy_.contains(key_); });
      keys_.busy_.insert(key_);
    }
    ~Hold() {
      std::lock_guard const lock(keys_.mutex_);
      keys_.busy_.erase(key_);
      keys_.free_.notify_all();
    }
    Hold(Hold const&) = delete;
    Hold& operator=(Hold const&) = delete;

   private:
    BusyKeys& keys_;
    std::string key_;
  };

 private:
  std::mutex mutex_;
  std::set<std::string> busy_;
  std::condition_variable free_;
};

}  // namespace trellis::plugins::flist
