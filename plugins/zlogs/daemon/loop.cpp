#include "plugins/zlogs/daemon/loop.hpp"

#include <signal.h>

#include <algorithm>

namespace trellis::plugins::zlogs {

using boost::system::error_code;

Loop::Loop() {
  error_code ignored;
  signals_.add(SIGTERM, ignored);
  signals_.add(SIGINT, ignored);
  signals_.async_wait([this](error_code failed, int) {
    if (!failed) RequestStop();
  });
}

void Loop::Settle() {
  if (io_.stopped()) io_.restart();
  io_.poll();
}

void Loop::RequestStop() {
  stop_at_ = std::min(stop_at_, Clock::now() + kFlush);
}

bool Loop::RunUntil(Clock::time_point limit, Done const& done) {
  while (!done()) {
    if (Clock::now() >= std::min(limit, stop_at_)) return false;
    if (io_.stopped()) io_.restart();
    io_.run_one_until(std::min(limit, stop_at_));
  }
  return true;
}

Result<void> Loop::Await(std::string_view what, std::chrono::milliseconds limit,
                         std::function<void(Handler)> const& start,
                         std::function<void()> const& cancel) {
  struct State {
    bool done = false;
    error_code failed;
  };
  auto const state = std::make_shared<State>();  // shared with the handler
  start([state](error_code failed) {
    state->done = true;
    state->failed = failed;
  });
  if (!RunFor(limit, [&state] { return state->done; })) {
    cancel();
    while (!state->done) {  // its buffers are ours until then
      if (io_.stopped()) io_.restart();
      io_.run_one();
    }
    if (stopping()) return Fail(Code::kCancelled, "{}: the streamer ends", what);
    return Fail(Code::kTimeout, "{}: no answer within {} s", what,
                std::chrono::ceil<std::chrono::seconds>(limit).count());
  }
  if (state->failed) return Fail(Code::kIo, "{}: {}", what, state->failed.message());
  return {};
}

}  // namespace trellis::plugins::zlogs
