#include "kernel/base/fail_point.hpp"

#ifdef TRELLIS_FAIL_POINTS

#include "kernel/base/strings.hpp"

#include <signal.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <optional>

namespace trellis::fail_point {
namespace {

enum class Kind : std::uint8_t { kKill, kPause, kError };

struct Armed {
  Kind kind = Kind::kKill;
  std::optional<std::uint64_t> nth;  ///< counted from the arming
  std::uint64_t hits = 0;
};

using Table = std::map<std::string, Armed, std::less<>>;

Result<std::pair<std::string, Armed>> ParseOne(std::string_view text) {
  auto const equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0)
    return Fail(Code::kInvalid, "fail point '{}' is not <name>=kill|pause|error[@n]", text);
  auto kind = text.substr(equals + 1);
  Armed armed;
  if (auto const at = kind.find('@'); at != std::string_view::npos) {
    TRELLIS_TRY(armed.nth, strings::ParseNumber<std::uint64_t>(kind.substr(at + 1)));
    kind = kind.substr(0, at);
  }
  if (kind == "pause") {
    armed.kind = Kind::kPause;
  } else if (kind == "error") {
    armed.kind = Kind::kError;
  } else if (kind != "kill") {
    return Fail(Code::kInvalid, "fail point '{}': unknown kind '{}'", text, kind);
  }
  return std::pair(std::string(text.substr(0, equals)), armed);
}

Result<Table> Parse(std::string_view spec) {
  Table table;
  while (!spec.empty()) {
    auto const comma = std::min(spec.find(','), spec.size());
    if (comma > 0) {
      TRELLIS_TRY(auto one, ParseOne(spec.substr(0, comma)));
      table.insert_or_assign(std::move(one.first), one.second);
    }
    spec.remove_prefix(std::min(comma + 1, spec.size()));
  }
  return table;
}

/// What is armed, and who waits where.
struct State {
  std::mutex mutex;  // guards the rest
  std::condition_variable changed;
  Table armed;
  std::uint64_t generation = 0;  ///< of the arming
  std::map<std::string, std::uint64_t, std::less<>> counts;
  std::map<std::string, int, std::less<>> paused;

  State() {
    char const* const text = ::getenv("TRELLIS_FAIL_POINT");
    if (text == nullptr) return;
    if (auto parsed = Parse(text); parsed) {
      armed = *std::move(parsed);
    } else {
      fmt::print(stderr, "TRELLIS_FAIL_POINT: {}\n", parsed.error().message);
      std::abort();  // a test that arms nothing would prove nothing
    }
  }
};

State& TheState() {
  static State state;
  return state;
}

}  // namespace

Result<void> Reach(std::string_view name) {
  auto& state = TheState();
  std::unique_lock lock(state.mutex);
  ++state.counts[std::string(name)];
  auto const found = state.armed.find(name);
  if (found == state.armed.end()) return {};
  auto& armed = found->second;
  ++armed.hits;
  if (armed.nth.has_value() && armed.hits != *armed.nth) return {};
  switch (armed.kind) {
    case Kind::kKill:
      (void)::kill(::getpid(), SIGKILL);
      for (;;)
        (void)::pause();  // the signal ends this thread too
    case Kind::kError:
      return Fail(Code::kUnavailable, "fail point '{}'", name);
    case Kind::kPause:
      break;
  }
  auto const generation = state.generation;
  ++state.paused[std::string(name)];
  state.changed.notify_all();
  state.changed.wait(lock, [&] { return state.generation != generation; });
  --state.paused[std::string(name)];
  return {};
}

Result<void> Arm(std::string_view spec) {
  TRELLIS_TRY(auto parsed, Parse(spec));
  auto& state = TheState();
  std::lock_guard const lock(state.mutex);
  state.armed = std::move(parsed);
  ++state.generation;
  state.changed.notify_all();
  return {};
}

bool WaitPaused(std::string_view name, std::chrono::milliseconds limit) {
  auto& state = TheState();
  std::unique_lock lock(state.mutex);
  return state.changed.wait_for(lock, limit, [&] {
    auto const found = state.paused.find(name);
    return found != state.paused.end() && found->second > 0;
  });
}

std::map<std::string, std::uint64_t> Count() {
  auto& state = TheState();
  std::lock_guard const lock(state.mutex);
  return {state.counts.begin(), state.counts.end()};
}

}  // namespace trellis::fail_point

#endif
