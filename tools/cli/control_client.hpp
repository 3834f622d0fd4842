// The client's side of the daemon's control socket.
#pragma once

#include "kernel/sys/fd.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace trellis::cli {

/// One connection. Not thread-safe.
class ControlClient {
 public:
  /// kUnavailable: no daemon listens; the text says how to start it.
  static Result<ControlClient> Connect(std::filesystem::path const& socket);

  /// Sends one request and waits for its answer. Refusals: the node's sentence with `[reason] ` in
  /// front.
  Result<json::Value> Call(std::string_view command, json::Value const& payload,
                           std::uint32_t twin = 0);
  /// Asks for the event stream.
  Result<void> Watch(std::uint32_t twin, std::uint64_t contract);
  /// The next event; empty at the time-out. kUnavailable when the daemon left.
  Result<std::optional<json::Value>> NextEvent(std::chrono::milliseconds limit);

 private:
  explicit ControlClient(sys::UniqueFd fd) : fd_(std::move(fd)) {}
  Result<std::optional<json::Value>> ReadLine(std::chrono::milliseconds limit);

  sys::UniqueFd fd_;
  std::string buffer_;
  std::uint64_t next_id_ = 1;
};

}  // namespace trellis::cli
