#include "plugins/gateway/daemon/pump.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>

namespace trellis::plugins::gateway {

namespace {

constexpr unsigned kHow = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

}  // namespace

Result<Pump> Pump::Open(int from, int to) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    return Fail(Code::kExhausted, "no descriptors for another connection");
  Pump pump(from, to);
  pump.out_ = UniqueFd(ends[0]);
  pump.in_ = UniqueFd(ends[1]);
  return pump;
}

bool Pump::Take(bool& moved) {
  if (!wants_input()) return true;
  auto const got = ::splice(from_, nullptr, in_.get(), nullptr, kCapacity - held_, kHow);
  if (got > 0) held_ += static_cast<std::size_t>(got);
  if (got == 0) ended_ = true;
  moved = moved || got > 0;
  // Either side may be the reason. When the pipe has given something it is tried again.
  full_ = got < 0 && errno == EAGAIN && held_ > 0;
  return got >= 0 || errno == EAGAIN || errno == EINTR;
}

bool Pump::Give(bool& moved) {
  if (held_ == 0) return true;
  auto const given = ::splice(out_.get(), nullptr, to_, nullptr, held_, kHow);
  if (given > 0) held_ -= static_cast<std::size_t>(given);
  if (given > 0) full_ = false;
  moved = moved || given > 0;
  return given > 0 || errno == EAGAIN || errno == EINTR;
}

bool Pump::Move() {
  for (bool moved = true; moved;) {
    moved = false;
    if (!Take(moved) || !Give(moved)) return false;
  }
  if (ended_ && held_ == 0 && !done_) {
    done_ = true;
    (void)::shutdown(to_, SHUT_WR);  // fails where the other side is gone as well
  }
  return true;
}

}  // namespace trellis::plugins::gateway
