// What the engine and the API need of plugins: types, effects, commands, providers. Hosting stays
// behind it.
#pragma once

#include "kernel/grid/examiner.hpp"

#include <trellis/abi.h>
#include <trellis/result.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trellis::plugin {

/// A registered workload type, as its plugin declared it.
struct TypeInfo {
  std::string name;
  std::string plugin;
  bool sharable = false;
  bool updatable = false;
  bool has_precheck = false;
  bool pausable = false;   ///< has a real pause
  bool provisions = true;  ///< false: the node only understands its documents
  std::uint32_t rank = 5000;
  std::uint32_t max_parallel = 4;
  bool serial = false;  ///< its plugin bears one effect at a time, of whatever type
  std::vector<std::string> after;
  bool available = false;          ///< its plugin is running
  std::string unavailable_reason;  ///< why not
};

/// Effects. The numbers are stored in the step journal: never renumber.
enum class Op : std::uint8_t {
  kProvision = 1,
  kUpdate = 2,
  kDeprovision = 3,
  kPause = 4,
  kResume = 5
};

/// Cancels one call: the plugin sees `cancelled()` and a readable descriptor. Thread-safe.
class CancelToken {
 public:
  static std::shared_ptr<CancelToken> Make();
  virtual ~CancelToken() = default;
  virtual void Cancel() = 0;
  [[nodiscard]] virtual bool cancelled() const = 0;
  [[nodiscard]] virtual int fd() const = 0;
};

/// One workload in an effect, inspection or precheck. All texts as stored; `data` and `previous`
/// raw JSON.
struct OpRequest {
  std::uint32_t twin = 0;
  std::uint64_t contract = 0;
  std::string id;  ///< twin-contract-name
  std::string name;
  std::string type;
  std::uint32_t version = 0;
  std::string data;
  std::string metadata;
  std::string description;
  std::string result;    ///< stored result JSON, "" if none
  std::string previous;  ///< data in effect, "" if none
  std::string handle;
  std::uint32_t handle_schema = 0;
  bool paused = false;
  bool replay = false;
  bool retry = false;
  std::uint32_t attempt = 1;
};

/// What came back. `status` is a TRL_* value, normalised (unknown ones mapped, contract breaches
/// TRL_FAULT).
struct OpAnswer {
  trl_status status = TRL_FAULT;
  std::string error;   ///< one sentence, <= 4 KiB
  std::string result;  ///< JSON, "" = none
  std::string handle;
  std::uint32_t handle_schema = 0;
  bool lost = false;  ///< given up: the plugin may still be at it
};

/// Tells that a call was given up, on another thread than the caller's. From then on the caller's
/// thread belongs to the plugin: should the call return after all, its answer is `lost`, and the
/// thread must end without touching anything that it does not own.
using LostCallback = std::function<void()>;

struct InspectAnswer {
  std::int32_t state = TRL_OBSERVED_UNKNOWN;  ///< TRL_OBSERVED_*
  std::string detail;
};

/// A plugin as `trellis status` and `plugin list` show it.
struct PluginStatus {
  std::string name;
  std::string version;
  std::string file;
  std::string state;  ///< running|starting|failed|refused|blocked|disabled|…
  std::string reason;
  std::string hosting;                   ///< inline|process
  std::int32_t pid = 0;                  ///< of the helper process, 0 inline
  std::uint32_t restarts = 0;            ///< of the helper process
  std::size_t calls = 0;                 ///< that the helper process has in hand
  std::uint64_t memory_bytes = 0;        ///< resident, of the helper process
  std::uint32_t tasks = 0;               ///< threads of the helper process
  std::uint32_t descriptors = 0;         ///< it has open
  std::vector<std::string> permissions;  ///< granted
  std::vector<std::string> not_granted;  ///< asked for, and kept back by the configuration
  std::vector<std::string> warnings;     ///< one sentence each
  std::vector<std::string> types;
  std::vector<std::string> services;
  std::string key;   ///< id of the key that signed it
  bool dev = false;  ///< only dev mode lets it run
};

/// A command contributed by a plugin (trellis.command/1).
struct CommandInfo {
  std::string name;  ///< also one entry per alias
  std::int32_t auth = TRL_AUTH_ANY;
  std::uint32_t flags = 0;
  std::uint32_t max_payload = 65536;
  std::uint32_t timeout_ms = 5000;
  std::uint32_t max_parallel = 4;
};

/// A command that did not succeed.
struct CommandFailure {
  CommandFailure(Error why, std::int32_t wire_code = 0)  // NOLINT(google-explicit-constructor)
      : error(std::move(why)), code(wire_code) {}
  Error error;
  std::int32_t code;  ///< the wire code that the handler chose; 0 = by the error's class
};
using CommandReply = tl::expected<std::string, CommandFailure>;

/// A provider (trellis.provider/1) as its plugin declared it.
struct ProviderInfo {
  std::string kind;
  std::string name;
  std::string plugin;
  std::string options;  ///< JSON, or ""
};

/// What one provider answered.
struct Provided {
  std::string plugin;
  std::string name;
  std::string json;
};

/// All plugins of the node. Safe for use by several threads. Effects block the calling thread until
/// the plugin returns or the deadline plus its grace is over.
class Plugins : public grid::TypeExaminer {
 public:
  [[nodiscard]] virtual std::optional<TypeInfo> Type(std::string_view name) const = 0;
  [[nodiscard]] virtual std::vector<TypeInfo> Types() const = 0;
  /// Another number when what Types() says, but for availability, may have changed.
  [[nodiscard]] virtual std::uint64_t Revision() const { return 0; }

  virtual OpAnswer Run(Op op, OpRequest const& request, std::shared_ptr<CancelToken> cancel) = 0;
  /// The same, but `lost` allows the call to run on the caller's thread: for callers that can do
  /// without their thread.
  virtual OpAnswer RunHere(Op op, OpRequest const& request, std::shared_ptr<CancelToken> cancel,
                           LostCallback const& lost) {
    (void)lost;  // whoever cannot lose the thread need not tell
    return Run(op, request, std::move(cancel));
  }
  /// `op` must be kProvision or kUpdate. TRL_OK when the type has no precheck.
  virtual OpAnswer Precheck(Op op, OpRequest const& request) = 0;
  virtual Result<InspectAnswer> Inspect(OpRequest const& request) = 0;
  /// Workload ids the type holds anything for. kDecode when the plugin broke the contract.
  virtual Result<std::vector<std::string>> ListOwned(std::string_view type) = 0;
  /// After restore was planned, once per start: known workload ids per type go to `recovered`; all
  /// of them as owners to `reconcile` of every service.
  virtual void Recovered(std::vector<std::pair<std::string, std::string>> const& id_and_type) = 0;

  [[nodiscard]] virtual std::optional<CommandInfo> Command(std::string_view name) const = 0;
  /// kNotFound when unknown, kTimeout `command timed out` when the handler did not answer in its
  /// time (a late answer is dropped), else what the handler says.
  virtual CommandReply RunCommand(std::string_view name, std::uint32_t twin,
                                  std::string_view payload) = 0;
  /// Asks every provider of `kind`; those that fail are logged and left out.
  virtual std::vector<Provided> Provide(std::string_view kind, std::string_view request) = 0;
  /// The providers of `kind` whose plugins run.
  [[nodiscard]] virtual std::vector<ProviderInfo> Providers(std::string_view) const { return {}; }
  /// Asks one provider. kUnavailable when its plugin is away.
  virtual Result<std::string> AskProvider(ProviderInfo const& provider, std::string_view,
                                          std::chrono::milliseconds) {
    return Fail(Code::kUnavailable, "no provider '{}' of '{}'", provider.name, provider.kind);
  }
  /// Checks of all running plugins: plugin name and JSON {"checks":[…]}.
  virtual std::vector<std::pair<std::string, std::string>> Health() { return {}; }
  /// A service call on behalf of the kernel (console, logs). Descriptors in the reply are owned by
  /// `fds_out`.
  virtual Result<std::string> CallService(std::string_view id, std::string_view method,
                                          std::string_view request, std::vector<int>* fds_out) = 0;
  /// Publishes a kernel event (`workload.state`, `node.changed`, …) to subscribed plugins.
  virtual void Publish(std::string_view topic, std::string_view payload) = 0;

  [[nodiscard]] virtual std::vector<PluginStatus> Status() const = 0;
};

}  // namespace trellis::plugin
