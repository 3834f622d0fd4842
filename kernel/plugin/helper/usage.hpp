// What a helper process uses, and how much of it it may use.
#pragma once

#include <trellis/result.hpp>

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace trellis::plugin {

/// `[plugin.<name>.limits]` of the configuration.
struct HelperLimits {
  std::uint64_t memory_bytes = std::uint64_t{512} << 20U;  ///< resident
  std::uint32_t tasks = 256;
};
/// The kernel's own limit of a helper, set by itself before it opens the plugin.
inline constexpr std::uint32_t kMaxHelperDescriptors = 1024;

struct HelperUsage {
  std::uint64_t memory_bytes = 0;  ///< resident
  std::uint32_t tasks = 0;
};

/// Of a running process; zeros when it is gone.
[[nodiscard]] HelperUsage UsageOf(pid_t pid);
/// Open descriptors of a process; 0 when it is gone.
[[nodiscard]] std::uint32_t DescriptorsOf(pid_t pid);
/// Why a process that uses so much must go; "" while it need not.
[[nodiscard]] std::string Excess(HelperUsage const& usage, HelperLimits const& limits);
/// A sentence when nine tenths of the descriptors are open, else "".
[[nodiscard]] std::string DescriptorWarning(std::uint32_t open);

}  // namespace trellis::plugin
