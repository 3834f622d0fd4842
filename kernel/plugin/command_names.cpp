#include "kernel/plugin/command_names.hpp"

#include <algorithm>
#include <array>

namespace trellis::plugin {
namespace {

constexpr std::size_t kMinParts = 2;
constexpr std::size_t kMaxParts = 5;
constexpr std::array<std::string_view, 7> kKernelGroups{
    "deployment", "system", "statistics", "debug", "perf", "location", "gpu"};

bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

Result<void> CheckCommandName(std::string_view name) {
  std::size_t parts = 0;
  std::string_view group;
  bool good = name.starts_with("zos.");
  for (auto rest = name; good; ++parts) {
    auto const dot = rest.find('.');
    auto const part = rest.substr(0, dot);
    good = !part.empty() && std::all_of(part.begin(), part.end(), IsNameChar);
    if (parts == 1) group = part;
    if (dot == std::string_view::npos) {
      ++parts;
      break;
    }
    rest.remove_prefix(dot + 1);
  }
  if (!good || parts < kMinParts || parts > kMaxParts) {
    return Fail(Code::kInvalid,
                "'{}' is not a command name: 2 to 5 parts of a-z, 0-9 and '_', the first is 'zos'",
                name);
  }
  if (std::find(kKernelGroups.begin(), kKernelGroups.end(), group) != kKernelGroups.end())
    return Fail(Code::kExists, "command '{}': the group '{}' belongs to the kernel", name, group);
  return {};
}

}  // namespace trellis::plugin
