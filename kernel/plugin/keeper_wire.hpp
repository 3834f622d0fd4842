// Messages between the daemon and the keeper: JSON texts with descriptors, one per packet.
//   {"id":1,"op":"ensure|stop|list|quit",…}  ->  {"id":1,"result":…} or
//   {"id":1,"code":-9,"error":"…"}
//   {"event":"process.exited|process.started","name":"<plugin>/<name>","pid":1,"status":0}
#pragma once

#include "kernel/sys/fd.hpp"

#include <trellis/result.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::keeper {

inline constexpr std::size_t kMaxMessage = std::size_t{1} << 20U;
inline constexpr std::size_t kMaxFds = 8;

struct Message {
  std::string text;
  std::vector<sys::UniqueFd> fds;
};

/// A CLOEXEC SEQPACKET socket with buffers for the largest message.
Result<sys::UniqueFd> MakeSocket();
/// kNotFound when nobody listens there.
Result<sys::UniqueFd> Connect(std::string const& path);
/// A private listening socket; replaces a dead one.
Result<sys::UniqueFd> Listen(std::string const& path);
/// kExhausted above kMaxMessage, kUnavailable when the peer is gone or too slow.
Result<void> Send(int socket, std::string_view text, std::span<int const> fds);
/// kUnavailable at the end of the connection, kBusy when a non-blocking socket has nothing.
Result<Message> Receive(int socket);

}  // namespace trellis::keeper
