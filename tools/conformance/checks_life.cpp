// Creation and destruction, start and stop: nothing stays behind.
#include "tools/conformance/host_wrap.hpp"
#include "tools/conformance/subject.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace trellis::conformance {

namespace {

constexpr int kWarm = 50;
constexpr int kLives = 1000;
constexpr std::chrono::seconds kLivesLimit{20};
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kLeastLeak = std::size_t{256} << 20;  // freed memory is kept for a while
#else
constexpr std::size_t kLeastLeak = std::size_t{512} << 10;  // what an allocator may keep
#endif
constexpr std::chrono::milliseconds kWatch{200};
constexpr std::chrono::seconds kSettle{5};  // until the kernel shows no thread that has ended

struct Held {
  std::size_t descriptors = 0;
  std::size_t threads = 0;
  std::size_t memory = 0;  // bytes resident
};

std::size_t CountEntries(char const* dir) {
  std::size_t count = 0;
  for ([[maybe_unused]] auto const& entry : std::filesystem::directory_iterator(dir))
    ++count;
  return count;
}

Held Look() {
  std::size_t pages = 0;
  std::ifstream file("/proc/self/statm");
  file >> pages >> pages;
  return {CountEntries("/proc/self/fd"), CountEntries("/proc/self/task"),
          pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))};
}

/// Threads of the kernel's view, once those that have ended are gone from it.
std::size_t SettledThreads(std::size_t wanted) {
  auto const end = std::chrono::steady_clock::now() + kSettle;
  auto count = Look().threads;
  while (count > wanted && std::chrono::steady_clock::now() < end) {
    std::this_thread::yield();
    count = Look().threads;
  }
  return count;
}

void LeaksNothing(Setting const& setting, Probe& probe) {
  Subject subject(setting, probe);
  auto const live = [&] {
    subject.MustCreate();
    subject.Destroy();
  };
  for (int i = 0; i < kWarm; ++i)
    live();
  auto const before = Look();
  auto const end = std::chrono::steady_clock::now() + kLivesLimit;
  int lives = 0;
  for (; lives < kLives && std::chrono::steady_clock::now() < end; ++lives)
    live();
  auto after = Look();
  after.threads = SettledThreads(before.threads);
  auto const told = fmt::format("after {} times create and destroy", lives);
  probe.Expect(after.descriptors <= before.descriptors,
               fmt::format("{} there were {} descriptors instead of {}", told, after.descriptors,
                           before.descriptors),
               "destroy closes what create opened");
  probe.Expect(
      after.threads <= before.threads,
      fmt::format("{} there were {} threads instead of {}", told, after.threads, before.threads),
      "destroy joins every thread");
  probe.Expect(
      after.memory <= before.memory + kLeastLeak,
      fmt::format("{} there were {} KiB more in use", told, (after.memory - before.memory) / 1024),
      "destroy frees what create took");
}

void StopEndsItsThreads(Setting const& setting, Probe& probe) {
  Subject subject(setting, probe);
  auto const before = Look().threads;
  subject.MustCreate();
  subject.MustStart();
  std::string err;
  auto const status = subject.Stop(err);
  probe.Expect(status >= 0, fmt::format("stop answered {}: {}", StatusName(status), err),
               "stop works");
  auto const after = SettledThreads(before);
  probe.Expect(after <= before,
               fmt::format("{} threads of the plugin went on after stop", after - before),
               "stop joins every thread before it returns");
  subject.Destroy();
}

void IsSilentAfterStop(Setting const& setting, Probe& probe) {
  Subject subject(setting, probe);
  subject.MustCreate();
  subject.MustStart();
  std::string err;
  (void)subject.Stop(err);
  SetHostMood(HostMood::kStopped);
  subject.Destroy();
  // Nothing tells of a call that does not come: a while of watching has to do.
  auto const end = std::chrono::steady_clock::now() + kWatch;
  while (LateCall() == nullptr && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
  if (auto const* late = LateCall(); late != nullptr)
    probe.Fail(fmt::format("the plugin called {} after stop had returned", late),
               "after stop no call to the host, from any thread, destroy included");
}

}  // namespace

std::vector<Check> LifeChecks() {
  return {
      {"C15", "1000 lives leave nothing behind", Needs::kCreate, LeaksNothing},
      {"C16", "stop ends every thread", Needs::kStart, StopEndsItsThreads},
      {"C17", "no call to the host after stop", Needs::kStart, IsSilentAfterStop},
  };
}

}  // namespace trellis::conformance
