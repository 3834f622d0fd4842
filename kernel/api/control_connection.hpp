// One client of the control socket: its lines in, answers and streams out.
#pragma once

#include "kernel/engine/events.hpp"
#include "kernel/sys/fd.hpp"

#include <trellis/result.hpp>

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::api {

/// Send, Follow and Close may be called from any thread; the rest belongs to the thread that
/// serves. Nobody waits for a client: what it does not read is kept up to a limit, then it is
/// disconnected.
class ControlConnection {
 public:
  static Result<std::shared_ptr<ControlConnection>> Make(sys::UniqueFd fd);
  ~ControlConnection() = default;
  ControlConnection(ControlConnection const&) = delete;
  ControlConnection& operator=(ControlConnection const&) = delete;

  /// Reads until the client leaves or Close: `line` gets every line. Sends what waits.
  void Serve(std::function<void(std::string_view)> const& line);
  /// One line to the client.
  void Send(std::string line);
  /// Sends the file from its beginning and what is added to it, as events of request `id` (JSON).
  /// kNotFound, kIo, kExhausted (too many streams).
  Result<void> Follow(std::string id, std::string const& path);
  void Close();
  /// Serve has returned.
  [[nodiscard]] bool done() const { return done_; }

 private:
  /// A file being followed.
  struct Follower {
    std::string id;
    sys::UniqueFd file;
    sys::UniqueFd watch;  // inotify
    std::string rest;     // a line that is not whole yet
    off_t offset = 0;
    bool more = true;  // there may be more to read
  };

  ControlConnection(sys::UniqueFd fd, sys::UniqueFd wake)
      : fd_(std::move(fd)), wake_(std::move(wake)) {}
  /// False when the client is gone.
  bool Flush();
  bool Read(std::function<void(std::string_view)> const& line);
  void Wake() const;
  void TakeNewFollowers();
  /// Sends what was added since the last time.
  void Pump(Follower& follower);
  void SendLines(Follower& follower);

  sys::UniqueFd fd_;
  sys::UniqueFd wake_;  // an eventfd: there is something to send
  std::string input_;
  std::list<Follower> followers_;
  std::atomic<bool> done_{false};
  std::mutex mutex_;  // guards the rest
  std::string output_;
  std::vector<Follower> new_followers_;
  std::size_t follower_count_ = 0;
};

}  // namespace trellis::api
