#include "tools/load/watcher.hpp"

#include <chrono>

namespace trellis::load {
namespace {
constexpr double kQuietSeconds = 120;
constexpr double kSettleSeconds = 300;
constexpr std::chrono::milliseconds kAskCounters(20);
}  // namespace

Result<Watcher> Watcher::Connect(std::filesystem::path const& socket) {
  TRELLIS_TRY(auto control, Control::Connect(socket));
  TRELLIS_TRY(auto target, control.Status());
  return Watcher(std::move(control), std::move(target));
}

Result<Moment> Watcher::Look() {
  Moment moment;
  TRELLIS_TRY(moment.generator, LookAt(0));
  TRELLIS_TRY(moment.daemon, LookAt(target_.pid));
  TRELLIS_TRY(moment.counters, control_.Read());
  return moment;
}

Result<void> Watcher::WaitSettled(Driver& driver, Counters const& from, std::size_t jobs) {
  double const end = NowUs() + kSettleSeconds * 1e6;
  while (NowUs() < end) {
    TRELLIS_TRY(auto const now, control_.Read());
    if (now.jobs_done - from.jobs_done >= jobs && now.queued + now.running == 0) return {};
    driver.io().restart();
    driver.io().run_for(kAskCounters);
  }
  return Fail(Code::kTimeout, "not settled after {} s", kSettleSeconds);
}

Result<void> Watcher::WaitQuiet() {
  return load::WaitQuiet(target_.pid, kQuietSeconds);
}

std::size_t JobsStarted(std::vector<Request> const& requests, std::vector<Fate> const& fates) {
  std::size_t jobs = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    auto const kind = requests[i].kind;
    bool const works = kind == Kind::kDeploy || kind == Kind::kUpdate || kind == Kind::kDelete;
    jobs += works && fates[i].code == kNoCode && fates[i].answered_us > 0 ? 1U : 0U;
  }
  return jobs;
}

}  // namespace trellis::load
