// What a call into an inline plugin writes into. Only for the sources of InlineChannel.
#pragma once

#include "kernel/plugin/inline_channel.hpp"
#include "kernel/sys/errors.hpp"

#include <fcntl.h>

namespace trellis::plugin {

/// The same function as one that may throw: a plugin is not bound by the header's noexcept, and the
/// compiler would drop the handlers around a function that cannot throw.
template <class R, class... A>
auto MayThrow(R (*function)(A...) noexcept) -> R (*)(A...) {
  return function;
}

inline Result<sys::UniqueFd> DuplicateFd(int fd) {
  sys::UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!copy) return sys::Fail("duplicate", "descriptor");
  return copy;
}

inline Result<std::vector<sys::UniqueFd>> DuplicateFds(std::span<int const> fds) {
  std::vector<sys::UniqueFd> copies;
  for (int const fd : fds) {
    TRELLIS_TRY(auto copy, DuplicateFd(fd));
    copies.push_back(std::move(copy));
  }
  return copies;
}

/// Takes at most kMaxCallFds duplicates.
class FdCollector {
 public:
  [[nodiscard]] trl_fd_sink sink() { return {this, &Put}; }
  std::vector<sys::UniqueFd> fds;

 private:
  static trl_status Put(void* ctx, std::int32_t fd) noexcept try {
    auto& self = *static_cast<FdCollector*>(ctx);
    if (self.fds.size() >= kMaxCallFds) return TRL_EXHAUSTED;
    auto copy = DuplicateFd(fd);
    if (!copy) return TRL_IO;
    self.fds.push_back(*std::move(copy));
    return TRL_OK;
  } catch (...) {
    return TRL_FAULT;
  }
};

struct InlineChannel::Wires {
  Wires() {
    result.size = sizeof result;
    result.result = out.sink();
    result.handle = handle.sink();
    result.err = err.sink();
    observed.size = sizeof observed;
  }
  Wires(Wires const&) = delete;
  Wires& operator=(Wires const&) = delete;

  ErrorSink err;
  OutputSink out;
  OutputSink handle{kMaxHandleBytes};
  FdCollector fds;
  trl_out result{};
  trl_observed observed{};
  std::int32_t code = 0;  // a command's choice of wire code
};

struct InlineChannel::Reply {
  trl_status status = TRL_FAULT;
  bool lost = false;  // given up
  std::string error;
  std::string output;
  std::string handle;
  std::uint32_t handle_schema = 0;
  std::int32_t observed = TRL_OBSERVED_UNKNOWN;
  std::int32_t code = 0;
  std::vector<sys::UniqueFd> fds;
};

}  // namespace trellis::plugin
