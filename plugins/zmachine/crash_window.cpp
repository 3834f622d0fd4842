#include "plugins/zmachine/crash_window.hpp"

#include <algorithm>

namespace trellis::plugins::zmachine {

void CrashWindow::Started(std::int64_t now) {
  counts_.last_start = now;
}

bool CrashWindow::Stopped(std::int64_t now) {
  std::erase_if(counts_.counted,
                [&](std::int64_t at) { return now - at >= rules_.window.count(); });
  counts_.counted.push_back(now);
  return counts_.counted.size() >= rules_.limit;
}

bool CrashWindow::Rebooted(std::int64_t now) {
  static constexpr std::int64_t kOneReboot = 2;  // the emulator reports one reboot several times
  bool const repeated = now - counts_.last_reboot < kOneReboot;
  counts_.last_reboot = now;
  if (repeated) return false;
  bool const quick = now - counts_.last_start < rules_.quick_reboot.count();
  counts_.last_start = now;
  return quick && Stopped(now);
}

std::chrono::seconds CrashWindow::RestartDelay() const {
  static constexpr std::size_t kMaxDoublings = 2;
  auto const doublings = std::clamp<std::size_t>(counts_.counted.size(), 1, kMaxDoublings + 1) - 1;
  return std::chrono::seconds(std::int64_t{1} << doublings);
}

}  // namespace trellis::plugins::zmachine
