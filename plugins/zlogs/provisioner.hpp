// The effects of the workload type `zlogs`: one supervised streamer per workload.
#pragma once

#include "plugins/zlogs/data.hpp"
#include "plugins/zlogs/streams.hpp"

#include <trellis/sdk.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::zlogs {

/// Thread-safe: no state.
class ZLogsProvisioner {
 public:
  ZLogsProvisioner(Host const& host, Settings const& settings)
      : host_(host), settings_(settings), streams_(host, settings) {}

  /// Does not wait for the peer: a stream is ok when it is configured.
  Result<Outcome<NoResult>> Provision(Call& call, Workload<ZLogs> const& workload);
  Result<void> Deprovision(Call& call, Workload<ZLogs> const& workload);
  Result<void> Pause(Call& call, Workload<ZLogs> const& workload);
  Result<void> Resume(Call& call, Workload<ZLogs> const& workload);
  /// The detail of a running stream tells whether it is connected.
  Result<Observed> Inspect(Call& call, Workload<ZLogs> const& workload);
  Result<std::vector<std::string>> ListOwned(Call& call);
  /// kInvalid with the sentences of ParseOutput.
  Result<void> Precheck(Call& call, PrecheckOp op, Workload<ZLogs> const& workload);

  /// Providers `info` and `health`: {id} in.
  Result<std::string> Info(std::string_view request) const;
  Result<std::string> Health(std::string_view request) const;

 private:
  enum class Wanted : std::uint8_t { kRunning, kStopped };

  Result<std::string> FindMachine(Call const& call, std::string const& name) const;
  Result<Streams::Source> FindSource(Call const& call, std::string const& machine) const;
  /// True when something was changed.
  Result<bool> BringUp(Call const& call, Workload<ZLogs> const& workload, Wanted wanted);

  Host host_;
  Settings settings_;
  Streams streams_;
};

}  // namespace trellis::plugins::zlogs
