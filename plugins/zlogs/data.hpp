// The data of a zlogs workload: where the log of a machine goes.
#pragma once

#include <trellis/sdk.hpp>

#include <string>
#include <vector>

namespace trellis::plugins::zlogs {

/// Position among the types of a deployment.
inline constexpr std::uint32_t kRank = 600;

/// Pure: every function may run on any thread.
struct ZLogs {
  std::string zmachine;  ///< name of a machine of the same deployment
  std::string output;    ///< redis, ws or wss URL

  /// zlogs_zmachine, zlogs_url, zlogs_scheme. Whether the URL names a host is not looked at here.
  [[nodiscard]] Result<void> Valid(WorkloadGetter const& getter) const;
  void Challenge(ChallengeWriter& out) const;
  [[nodiscard]] static trellis::Capacity Capacity() { return {}; }
  /// The machine.
  [[nodiscard]] std::vector<std::string> Dependencies() const;
};
BOOST_DESCRIBE_STRUCT(ZLogs, (), (zmachine, output))

}  // namespace trellis::plugins::zlogs
