// How the host talks to one plugin, wherever its code runs.
#pragma once

#include "kernel/plugin/call.hpp"
#include "kernel/sys/fd.hpp"

#include <trellis/capacity.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugin {

/// What a plugin gets at its creation.
struct OpenSpec {
  std::string config = "{}";  ///< JSON
  std::string state_dir;
  std::string run_dir;
  std::string node;  ///< JSON
  std::uint32_t flags = 0;
};

/// Validation, challenge, capacity, weight and dependencies in one trip.
struct Examination {
  trl_status status = TRL_OK;
  std::string error;  ///< of `valid`, challenge or capacity; `[<reason>] sentence`
  std::string challenge;
  Capacity capacity;
  std::int64_t weight = 0;
  std::vector<std::string> dependencies;
};

struct ServiceAnswer {
  std::string body;
  std::vector<sys::UniqueFd> fds;
};

/// Safe for use by several threads. Every call blocks until the plugin returns or the call's
/// deadline and grace are over. Statuses are normalised; texts are limited and repaired.
class PluginChannel {
 public:
  virtual ~PluginChannel() = default;

  // One step each, from version `from` to the next; before Start. kUnsupported when the plugin has
  // no such function.
  virtual Result<std::string> MigrateConfig(CallInfo const& call, std::uint32_t from,
                                            std::string const& config) = 0;
  virtual Result<void> MigrateState(CallInfo const& call, std::uint32_t from,
                                    std::string const& state_dir) = 0;

  // Never at the same time as anything else of the same plugin.
  virtual Result<void> Create(OpenSpec const& spec, CallInfo const& call) = 0;
  virtual Result<void> Start(CallInfo const& call) = 0;
  virtual Result<void> Stop(CallInfo const& call) = 0;
  virtual void Destroy() = 0;

  // Pure: any time between Create and Destroy. Only `valid` sees `call`, and only when
  // `check_valid`.
  virtual Examination Examine(CallInfo const& call, std::string const& type,
                              std::string const& data, bool check_valid) = 0;

  // Effects and questions.
  virtual OpAnswer Run(Op op, CallInfo const& call, OpRequest const& request) = 0;
  virtual OpAnswer Precheck(Op op, CallInfo const& call, OpRequest const& request) = 0;
  virtual Result<InspectAnswer> Inspect(CallInfo const& call, OpRequest const& request) = 0;
  virtual Result<std::vector<std::string>> ListOwned(CallInfo const& call,
                                                     std::string const& type) = 0;
  virtual Result<void> Recovered(CallInfo const& call, std::string const& type,
                                 std::vector<std::string> const& ids) = 0;

  // `fds` are borrowed.
  virtual Result<ServiceAnswer> Service(CallInfo const& call, std::string const& id,
                                        std::string_view method, std::string_view request,
                                        std::span<int const> fds) = 0;
  virtual CommandReply Command(CallInfo const& call, std::string const& name,
                               std::string_view payload) = 0;
  virtual Result<std::string> Provider(CallInfo const& call, std::string const& kind,
                                       std::string const& name, std::string_view request) = 0;
  virtual Result<std::string> Health(CallInfo const& call) = 0;

  /// Queued; never blocks.
  virtual void Event(std::string_view topic, std::string_view payload) = 0;
};

}  // namespace trellis::plugin
