// What the machine, the daemon and the generator itself do: clocks, /proc, the two canaries.
#pragma once

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <cstdint>
#include <filesystem>

namespace trellis::load {

/// Monotonic microseconds.
[[nodiscard]] double NowUs();

/// One look at a process.
struct Usage {
  double time_us = 0;
  double cpu_us = 0;  ///< all threads, also those that ended
  std::uint64_t rss_kib = 0;
  std::uint64_t pss_kib = 0;
  std::uint64_t threads = 0;
  std::uint64_t fds = 0;
  std::uint64_t voluntary_switches = 0;  ///< of the threads that live
  std::uint64_t write_bytes = 0;
};
BOOST_DESCRIBE_STRUCT(Usage, (),
                      (time_us, cpu_us, rss_kib, pss_kib, threads, fds, voluntary_switches,
                       write_bytes))

/// `pid` 0 = this process. kNotFound when it is gone.
Result<Usage> LookAt(int pid);
/// Only the CPU time, which is all that a timed part can afford.
Result<double> CpuUs(int pid);

/// Waits until the process uses less than 2 % of a core, at most `seconds`.
Result<void> WaitQuiet(int pid, double seconds);

/// Microseconds of one ed25519 verify: the speed of a core now.
[[nodiscard]] double CpuCanary();
/// Syncs a second of 2 KB overwrites in a file of zeros: the speed of the disk now.
Result<double> DiskCanary(std::filesystem::path const& dir);

}  // namespace trellis::load
