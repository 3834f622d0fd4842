#include "tools/load/probe.hpp"

#include "kernel/crypto/keys.hpp"
#include "kernel/sys/files.hpp"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>
#include <vector>

namespace trellis::load {
namespace {

namespace fs = std::filesystem;

/// The number after `key` in a file of `key value` lines; 0 when it is not there.
std::uint64_t NumberAfter(std::string_view text, std::string_view key) {
  auto const at = text.find(key);
  if (at == std::string_view::npos) return 0;
  auto const digit = text.find_first_of("0123456789", at + key.size());
  std::uint64_t number = 0;
  if (digit != std::string_view::npos)
    std::from_chars(text.data() + digit, text.data() + text.size(), number);
  return number;
}

std::string ReadOrEmpty(fs::path const& file) {
  return sys::ReadFile(file).value_or("");
}

std::uint64_t Entries(fs::path const& folder) {
  std::error_code gone;
  std::uint64_t count = 0;
  for ([[maybe_unused]] auto const& entry : fs::directory_iterator(folder, gone))
    ++count;
  return count;
}

}  // namespace

double NowUs() {
  return std::chrono::duration<double, std::micro>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Result<double> CpuUs(int pid) {
  clockid_t clock = CLOCK_PROCESS_CPUTIME_ID;
  if (pid != 0 && ::clock_getcpuclockid(pid, &clock) != 0)
    return Fail(Code::kNotFound, "process {} is gone", pid);
  timespec used{};
  if (::clock_gettime(clock, &used) != 0) return Fail(Code::kNotFound, "process {} is gone", pid);
  return static_cast<double>(used.tv_sec) * 1e6 + static_cast<double>(used.tv_nsec) / 1e3;
}

Result<Usage> LookAt(int pid) {
  auto const folder = fs::path("/proc") / (pid == 0 ? "self" : std::to_string(pid));
  Usage usage;
  usage.time_us = NowUs();
  TRELLIS_TRY(usage.cpu_us, CpuUs(pid));
  auto const status = ReadOrEmpty(folder / "status");
  usage.rss_kib = NumberAfter(status, "VmRSS:");
  usage.threads = NumberAfter(status, "Threads:");
  usage.pss_kib = NumberAfter(ReadOrEmpty(folder / "smaps_rollup"), "\nPss:");
  usage.write_bytes = NumberAfter(ReadOrEmpty(folder / "io"), "\nwrite_bytes:");
  usage.fds = Entries(folder / "fd");
  std::error_code gone;
  for (auto const& task : fs::directory_iterator(folder / "task", gone))
    usage.voluntary_switches +=
        NumberAfter(ReadOrEmpty(task.path() / "status"), "\nvoluntary_ctxt_switches:");
  return usage;
}

Result<void> WaitQuiet(int pid, double seconds) {
  constexpr double kQuiet = 0.02;
  constexpr std::chrono::milliseconds kLook(200);
  double const end = NowUs() + seconds * 1e6;
  TRELLIS_TRY(double before, CpuUs(pid));
  while (NowUs() < end) {
    double const from = NowUs();
    std::this_thread::sleep_for(kLook);  // a rate needs a time over which it is taken
    TRELLIS_TRY(double const after, CpuUs(pid));
    if ((after - before) / (NowUs() - from) < kQuiet) return {};
    before = after;
  }
  return Fail(Code::kTimeout, "process {} is still busy after {} s", pid, seconds);
}

double CpuCanary() {
  constexpr int kBatches = 21;
  constexpr int kVerifies = 50;
  std::array<std::uint8_t, 32> seed{1};
  auto const signer = crypto::Signer::FromSeed(crypto::KeyType::kEd25519, seed);
  std::array<std::uint8_t, 16> const message{1};
  auto const signature = signer.Sign(message);
  std::vector<double> times;
  for (int batch = 0; batch < kBatches; ++batch) {
    auto const before = CpuUs(0);
    for (int i = 0; i < kVerifies; ++i) {
      if (!crypto::Verify(crypto::KeyType::kEd25519, signer.public_key(), message, signature))
        return 0;
    }
    auto const after = CpuUs(0);
    if (before && after) times.push_back((*after - *before) / kVerifies);
  }
  std::nth_element(times.begin(), times.begin() + kBatches / 2, times.end());
  return times.empty() ? 0 : times[times.size() / 2];
}

Result<double> DiskCanary(fs::path const& dir) {
  constexpr std::size_t kBytes = std::size_t{8} << 20;
  constexpr std::size_t kRecord = 2048;
  constexpr double kSeconds = 1;
  auto const file = dir / "trellis-load.canary";
  TRELLIS_TRY(auto const fd, sys::OpenFile(file, O_RDWR | O_CREAT | O_TRUNC, sys::kPrivateFile));
  std::error_code ignored;
  fs::remove(file, ignored);  // it lives as long as it is open
  TRELLIS_CHECK(sys::WriteAll(fd.get(), std::string(kBytes, '\0')));
  (void)::fsync(fd.get());
  std::string const record(kRecord, 'x');
  double const start = NowUs();
  std::size_t syncs = 0;
  while (NowUs() - start < kSeconds * 1e6) {
    auto const at = static_cast<off_t>(syncs * kRecord % kBytes);
    if (::pwrite(fd.get(), record.data(), record.size(), at) < 0 || ::fdatasync(fd.get()) != 0)
      return Fail(Code::kIo, "cannot write in '{}'", dir.string());
    ++syncs;
  }
  return static_cast<double>(syncs) / ((NowUs() - start) / 1e6);
}

}  // namespace trellis::load
