#include "plugins/gateway/haproxy/machine_facts.hpp"

#include "plugins/common/posix/files.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <thread>

namespace trellis::plugins::gateway {

namespace {

constexpr std::uint32_t kMostDescriptors = 100'000;
constexpr std::uint32_t kMostThreads = 4;
constexpr std::size_t kMaxFacts = std::size_t{1} << 16;

}  // namespace

Result<std::string> FindProgram(std::string const& name) {
  if (name.starts_with('/')) return name;
  for (auto const* const folder :
       {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}) {
    auto path = fmt::format("{}/{}", folder, name);
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return Fail(Code::kUnavailable, "the program '{}' is not installed on this node", name);
}

// `Max open files            1024                 20000                files`
Result<std::uint32_t> DescriptorLimit(bool isolated) {
  auto const who = isolated ? std::to_string(::getppid()) : std::string("self");
  TRELLIS_TRY(auto const text, ReadFile(fmt::format("/proc/{}/limits", who), kMaxFacts));
  constexpr std::string_view kLine = "Max open files";
  auto const line = text.find(kLine);
  if (line == std::string::npos) return Fail(Code::kIo, "the descriptor limit is not shown");
  auto at = text.find_first_of("0123456789u", line + kLine.size());
  at = text.find_first_not_of(' ', text.find(' ', at));
  std::uint32_t hard = kMostDescriptors;
  if (at != std::string::npos) std::from_chars(text.data() + at, text.data() + text.size(), hard);
  return std::min(hard, kMostDescriptors);
}

std::uint32_t ProxyThreads() {
  return std::clamp(std::thread::hardware_concurrency(), 1U, kMostThreads);
}

bool HasIpv6() {
  return ::access("/proc/self/net/if_inet6", F_OK) == 0;
}

}  // namespace trellis::plugins::gateway
