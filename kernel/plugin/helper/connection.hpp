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
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace trellis::plugin {

/// A call under way. Its answer arrives with ReadSome.
class PendingCall {
 public:
  [[nodiscard]] std::uint64_t id() const { return id_; }

 private:
  friend class Connection;
  enum class State : std::uint8_t { kOpen, kAnswered, kBroken };
  sys::UniqueFd done_;  // readable when it is not open any more, unless `reading_`
  std::uint64_t id_ = 0;
  std::atomic<State> state_ = State::kOpen;
  // guarded by the connection's mutex until the call is not open any more
  bool reading_ = false;  // its caller reads from the socket and needs no sign
  bool signalled_ = false;
  Frame reply_;
  std::shared_ptr<void> hold_;  // released when the peer really answered
};

/// Safe for use by several threads. One of them reads at a time: whoever calls ReadSome, or a
/// caller that waits for its answer.
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
  /// Lets callers read their answers themselves, which saves the change to another thread. `told`:
  /// true when one begins, false when it stops and somebody else has to watch the socket again.
  /// Before the first call.
  void LetCallersRead(std::function<void(bool)> told) { told_ = std::move(told); }

  /// Reads what has arrived, or nothing when another thread is reading. kUnavailable at the end of
  /// the connection, kDecode for a malformed frame; both break it.
  Result<void> ReadSome();

  /// Sends a call; `hold` is released when its answer arrives or the connection breaks.
  Result<std::shared_ptr<PendingCall>> Begin(Method method, std::string const& body,
                                             std::span<int const> fds, std::shared_ptr<void> hold);
  /// Until answered, until `cancel_fd` (-1: none) is readable, or until `until` (CLOCK_MONOTONIC
  /// ns).
  Waited Wait(PendingCall& call, int cancel_fd, std::int64_t until);
  /// After kAnswered.
  Frame Take(PendingCall& call);

  Result<void> Notify(Method method, std::string const& body, std::uint64_t id = 0);
  Result<void> Return(Frame const& call, std::string const& body, std::span<int const> fds);

  /// Fails every pending call, and every later one.
  void Break();

 private:
  Result<void> Send(FrameHeader header, std::string const& body, std::span<int const> fds);
  Result<void> Deliver(FrameHeader const& header, std::string body);
  void Finish(PendingCall& call, PendingCall::State state);
  Result<void> Read();
  Result<std::size_t> Receive(std::span<char> to);
  /// Takes the whole frames from the front of `bytes`: how many bytes that were.
  Result<std::size_t> Parse(std::string_view bytes);
  /// Wait by reading from the socket, nullopt when another thread does that.
  std::optional<Waited> WaitReading(PendingCall& call, int cancel_fd, std::int64_t until);
  Waited ReadUntil(PendingCall const& call, int cancel_fd, std::int64_t until);

  sys::UniqueFd socket_;
  OnFrame on_frame_;
  std::function<void(bool)> told_;  // empty: callers do not read
  std::mutex write_mutex_;
  std::mutex mutex_;  // guards what follows
  std::uint64_t next_id_;
  bool broken_ = false;
  std::map<std::uint64_t, std::shared_ptr<PendingCall>> pending_;
  std::vector<sys::UniqueFd> spare_;   // eventfds of finished calls
  std::mutex read_mutex_;              // guards what follows
  std::string buffer_;                 // begin of a frame that is not complete yet
  std::deque<sys::UniqueFd> arrived_;  // descriptors whose frame is not complete yet
};

}  // namespace trellis::plugin
