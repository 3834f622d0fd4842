// One end of the socket between the daemon and a helper: sends frames, matches returns to calls.
#pragma once

#include "kernel/plugin/helper/frame.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace trellis::plugin {

/// A call under way. Its answer arrives with ReadSome.
class PendingCall {
 public:
  [[nodiscard]] int fd() const { return done_.get(); }  ///< readable when answered or broken
  [[nodiscard]] std::uint64_t id() const { return id_; }

 private:
  friend class Connection;
  sys::UniqueFd done_;
  std::uint64_t id_ = 0;
  std::atomic<bool> broken_ = false;
  Frame reply_;                 // guarded by the connection's mutex until done
  std::shared_ptr<void> hold_;  // released when the peer really answered
};

/// Safe for use by several threads, except ReadSome: one thread at a time.
class Connection {
 public:
  enum class Side : std::uint8_t { kDaemon, kHelper };
  enum class Waited : std::uint8_t { kAnswered, kBroken, kCancelled, kTimeout };
  /// Calls and notices of the peer, on the reading thread: must not block.
  using OnFrame = std::function<void(Frame)>;

  Connection(sys::UniqueFd socket, Side side, OnFrame on_frame);
  ~Connection();
  Connection(Connection const&) = delete;
  Connection& operator=(Connection const&) = delete;

  [[nodiscard]] int fd() const { return socket_.get(); }

  /// Reads what has arrived. kUnavailable at the end of the connection, kDecode for a malformed
  /// frame; both break it.
  Result<void> ReadSome();

  /// Sends a call; `hold` is released when its answer arrives or the connection breaks.
  Result<std::shared_ptr<PendingCall>> Begin(Method method, std::string body,
                                             std::span<int const> fds, std::shared_ptr<void> hold);
  /// Until answered, until `cancel_fd` (-1: none) is readable, or until `until` (CLOCK_MONOTONIC
  /// ns).
  Waited Wait(PendingCall& call, int cancel_fd, std::int64_t until);
  /// After kAnswered.
  Frame Take(PendingCall& call);

  Result<void> Notify(Method method, std::string body, std::uint64_t id = 0);
  Result<void> Return(Frame const& call, std::string body, std::span<int const> fds);

  /// Fails every pending call, and every later one.
  void Break();

 private:
  Result<void> Send(FrameHeader header, std::string const& body, std::span<int const> fds);
  Result<void> Deliver(FrameHeader const& header, std::string body);
  void Finish(PendingCall& call, bool broken);
  Result<std::size_t> Receive(std::span<char> to);
  Result<void> ParseBuffer();

  sys::UniqueFd socket_;
  OnFrame on_frame_;
  std::mutex write_mutex_;
  std::mutex mutex_;  // guards what follows
  std::uint64_t next_id_;
  bool broken_ = false;
  std::map<std::uint64_t, std::shared_ptr<PendingCall>> pending_;
  std::vector<sys::UniqueFd> spare_;  // eventfds of finished calls
  // reading thread only
  std::string buffer_;
  std::deque<sys::UniqueFd> arrived_;  // descriptors whose frame is not complete yet
};

}  // namespace trellis::plugin
