// One connection to a server that speaks RESP, one question at a time.
#pragma once

#include "plugins/common/posix/files.hpp"

#include <trellis/result.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::flist {

class RespConnection {
 public:
  // kUnavailable.
  static Result<RespConnection> Tcp(std::string const& host, std::string const& port);
  static Result<RespConnection> Unix(std::string const& path);

  /// The text of the answer; nothing for nil. kUnavailable when the connection fails (it cannot be
  /// used any more), kIo for an error of the server, kDecode for an answer above `limit` or none
  /// that this asks for.
  Result<std::optional<std::string>> Ask(std::vector<std::string_view> const& words,
                                         std::size_t limit);

 private:
  using Clock = std::chrono::steady_clock;
  explicit RespConnection(UniqueFd fd) : fd_(std::move(fd)) {}
  Result<void> Wait(short events) const;
  Result<void> Send(std::string_view bytes) const;
  Result<void> Receive();
  Result<std::string> ReadLine();
  Result<std::string> ReadExactly(std::size_t bytes);

  UniqueFd fd_;
  std::string buffer_;
  Clock::time_point until_;
};

}  // namespace trellis::plugins::flist
