#include "plugins/zlogs/data.hpp"

#include "plugins/common/url/url.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace trellis::plugins::zlogs {
namespace {

constexpr std::array<std::string_view, 3> kSchemes = {"redis", "ws", "wss"};

}  // namespace

Result<void> ZLogs::Valid(WorkloadGetter const& getter) const {
  auto const machine = getter.Get(zmachine);
  if (!machine || machine->type != "zmachine")
    return Invalid("zlogs_zmachine", "no zmachine with name '{}'", zmachine);
  auto const url = ParseUrl(output);
  if (!url) return Invalid("zlogs_url", "invalid output url: {}", url.error().message);
  if (std::ranges::find(kSchemes, url->scheme) == kSchemes.end())
    return Invalid("zlogs_scheme", "output scheme '{}' is none of redis, ws, wss", url->scheme);
  return {};
}

void ZLogs::Challenge(ChallengeWriter& out) const {
  out.Add(zmachine);
  out.Add(output);
}

std::vector<std::string> ZLogs::Dependencies() const {
  return {zmachine};
}

}  // namespace trellis::plugins::zlogs
