#include "kernel/sys/sysinfo.hpp"

#include "kernel/sys/files.hpp"

#include <sched.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace trellis::sys {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

/// A `Name:   123 kB` line of /proc/meminfo, in bytes; 0 when it is not there.
std::uint64_t MemInfo(std::string_view name) {
  auto const text = ReadFile("/proc/meminfo");
  if (!text) return 0;
  auto const line = text->find(name);
  if (line == std::string::npos) return 0;
  auto const digits = text->find_first_of("0123456789", line);
  if (digits == std::string::npos) return 0;
  std::uint64_t kib = 0;
  std::from_chars(text->data() + digits, text->data() + text->size(), kib);
  return kib << 10U;
}

}  // namespace

Result<std::string> BootId(std::filesystem::path const& file) {
  TRELLIS_TRY(auto text, ReadFile(file));
  text.erase(text.find_last_not_of(kBlanks) + 1);
  if (text.empty()) return trellis::Fail(Code::kIo, "boot id '{}' is empty", file.native());
  return text;
}

std::uint64_t CpuCount() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return static_cast<std::uint64_t>(std::max(1, CPU_COUNT(&set)));
}

std::uint64_t MemoryTotal() {
  return MemInfo("MemTotal:");
}

std::uint64_t MemoryAvailable() {
  return MemInfo("MemAvailable:");
}

std::int64_t BootTimeNs() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

std::uint64_t UptimeSeconds() {
  return static_cast<std::uint64_t>(BootTimeNs() / 1'000'000'000);
}

std::string HostName() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

}  // namespace trellis::sys
