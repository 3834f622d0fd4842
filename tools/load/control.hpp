// The daemon's control socket: status, counters, and the stream of settled deployments.
#pragma once

#include "kernel/sys/fd.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace trellis::load {

/// What `local.status` says about the daemon.
struct Target {
  int pid = 0;
  std::uint32_t node_id = 0;
  std::uint32_t node_twin = 0;
  std::string relay_url;
};

/// `local.counters`; see docs/operators.md.
struct Counters {
  std::uint64_t accepted = 0;
  std::uint64_t jobs_done = 0;
  std::uint64_t queued = 0;
  std::uint64_t running = 0;
  std::uint64_t store_commits = 0;
  std::uint64_t store_works = 0;
  std::uint64_t store_pages = 0;
  std::uint64_t plugin_calls = 0;
};
BOOST_DESCRIBE_STRUCT(Counters, (),
                      (accepted, jobs_done, queued, running, store_commits, store_works,
                       store_pages, plugin_calls))

/// One connection, blocking. Not thread-safe.
class Control {
 public:
  static Result<Control> Connect(std::filesystem::path const& socket);

  Result<Target> Status();
  Result<Counters> Read();
  /// Starts the stream of the twin's changes; from then on only NextLine may be used.
  Result<void> Watch(std::uint32_t twin);
  /// The descriptor to wait on for the stream.
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Reads what is there without waiting and calls `take` with each whole line. False at the end.
  template <class Take>
  bool TakeLines(Take&& take) {
    bool const open = Receive(/*wait=*/false);
    std::size_t end = 0;
    while ((end = buffer_.find('\n')) != std::string::npos) {
      take(std::string_view(buffer_).substr(0, end));
      buffer_.erase(0, end + 1);
    }
    return open;
  }

 private:
  explicit Control(sys::UniqueFd fd) : fd_(std::move(fd)) {}
  Result<json::Value> Call(std::string_view command, json::Value const& payload);
  bool Receive(bool wait);

  sys::UniqueFd fd_;
  std::string buffer_;
};

}  // namespace trellis::load
