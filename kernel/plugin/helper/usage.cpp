#include "kernel/plugin/helper/usage.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace trellis::plugin {

namespace {

constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20U;
constexpr std::uint32_t kWarnTenths = 9;
constexpr std::uint32_t kTenths = 10;
constexpr int kThreadsField = 20;  // of /proc/<pid>/stat, counted from 1
constexpr int kPagesField = 24;
constexpr int kFieldsUpToName = 2;

}  // namespace

HelperUsage UsageOf(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text;
  std::getline(file, text);
  // The name in brackets is the program's choice and may hold anything.
  auto const name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream rest(text.substr(name_end + 1));
  HelperUsage usage;
  std::string field;
  for (int number = kFieldsUpToName + 1; number <= kPagesField && rest >> field; ++number) {
    if (number == kThreadsField) usage.tasks = static_cast<std::uint32_t>(std::stoul(field));
    if (number == kPagesField)
      usage.memory_bytes = std::stoull(field) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  return usage;
}

std::uint32_t DescriptorsOf(pid_t pid) {
  std::error_code gone;
  std::uint32_t count = 0;
  std::filesystem::directory_iterator const none;
  for (std::filesystem::directory_iterator it(fmt::format("/proc/{}/fd", pid), gone);
       !gone && it != none; it.increment(gone))
    ++count;
  return count;
}

std::string Excess(HelperUsage const& usage, HelperLimits const& limits) {
  if (usage.memory_bytes > limits.memory_bytes)
    return fmt::format("it used {} MiB of memory, {} MiB are allowed",
                       usage.memory_bytes / kMebibyte, limits.memory_bytes / kMebibyte);
  if (usage.tasks > limits.tasks)
    return fmt::format("it had {} threads, {} are allowed", usage.tasks, limits.tasks);
  return {};
}

std::string DescriptorWarning(std::uint32_t open) {
  if (open * kTenths < kMaxHelperDescriptors * kWarnTenths) return {};
  return fmt::format("{} of {} descriptors are open", open, kMaxHelperDescriptors);
}

}  // namespace trellis::plugin
