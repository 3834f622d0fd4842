// All plugins of the node: finds, loads, orders, starts and calls them.
#pragma once

#include "kernel/plugin/call_watch.hpp"
#include "kernel/plugin/daemon_backend.hpp"
#include "kernel/plugin/helper/process_channel.hpp"
#include "kernel/plugin/library.hpp"
#include "kernel/plugin/stored_state.hpp"
#include "kernel/plugin/trust.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trellis::plugin {

struct ConfigKey;

/// Where a plugin's code runs.
enum class Hosting : std::uint8_t { kInline, kProcess };

/// `[plugin.<name>]` of the configuration.
struct PluginConfig {
  bool enabled = true;
  std::string config_json = "{}";
  std::optional<Hosting> hosting{};                       ///< empty: the manager's default
  std::optional<std::vector<std::string>> permissions{};  ///< empty: all that it asks for
  HelperLimits limits{};
  std::uint32_t config_version = 1;  ///< for which schema of the plugin it was written
};

/// Whose plugins may be loaded.
struct PluginTrust {
  std::string dir;  ///< the trust store
  bool dev = false;
};

/// How long the steps of an exchange may take.
struct ReloadLimits {
  std::chrono::milliseconds create{30000};
  std::chrono::milliseconds drain{30000};  ///< for running calls to end, while new ones wait
  std::chrono::milliseconds start{20000};  ///< new calls wait for this too
  std::chrono::milliseconds health{5000};
  std::chrono::milliseconds probation{30000};  ///< one that dies sooner is taken back
};

/// What became of a reload.
struct Reloaded {
  std::string from;  ///< version; "" when none ran
  std::string to;
  std::vector<std::string> warnings{};
};

struct ManagerOptions {
  std::string plugins_dir;  ///< holds <name>.trellis.so
  std::string state_dir;    ///< of the node
  std::string run_dir;      ///< of the node
  std::string node_json = "{}";
  std::map<std::string, PluginConfig> plugins;  ///< a plugin without entry is enabled
  std::vector<std::string> kernel_commands;     ///< names that plugins may not take
  std::string keeper;  ///< path of trellis-keeper; "" = trellis.process/1 answers kUnavailable
  /// Empty: the caller answers for what is in `plugins_dir`, manifests come from the code.
  std::optional<PluginTrust> trust{};
  Hosting hosting = Hosting::kInline;
  std::string plugin_host;  ///< path of trellis-plugin-host, for Hosting::kProcess
  /// How long after its first, second … death a helper is started again; the last one repeats.
  std::vector<std::chrono::milliseconds> restart_delays{
      std::chrono::milliseconds(200), std::chrono::seconds(1), std::chrono::seconds(5),
      std::chrono::seconds(30), std::chrono::seconds(60)};
  std::chrono::milliseconds drain_timeout{30000};
  /// How long Open waits for one plugin's create; one that takes longer comes up behind it.
  std::chrono::milliseconds create_patience{30000};
  ReloadLimits reload{};
  /// False: plugins are created and nothing more. Their pure halves work, nothing else does.
  bool start = true;
};

class Manager final : public Plugins {
 public:
  /// Loads, creates and starts what is in `plugins_dir`. A plugin that fails is listed with its
  /// reason, and one that takes long to create comes up later; that is no error. Errors: the
  /// directories cannot be read or made. `kernel` is borrowed.
  static Result<std::unique_ptr<Manager>> Open(ManagerOptions options, KernelServices& kernel);
  ~Manager() override;

  /// Stops the plugins in reverse order within `drain_timeout`. Data processes and workloads keep
  /// running. After it every call fails with kUnavailable. A second call does nothing.
  void Stop();
  /// Stops a plugin's process and starts the next one, also after it was given up. Calls in flight
  /// may end first; those that come meanwhile fail with kUnavailable. kNotFound, kUnsupported for
  /// one that runs in the daemon, kConflict while it is starting anyway.
  Result<void> Restart(std::string_view name);
  /// Takes the plugin's file as it is now, also one that was put there after the start: loads and
  /// checks it beside the running version, waits for running calls while new ones wait, moves state
  /// over and switches. When anything fails the old version goes on, or is started again, with its
  /// state; the error names the step. kNotFound, kUnsupported for one that runs in the daemon (but
  /// in dev mode), kConflict while a plugin is being started anyway, kBusy when running calls do
  /// not end.
  Result<Reloaded> Reload(std::string_view name);
  /// The last lines that a plugin logged or its process wrote to standard error. kNotFound.
  Result<std::vector<std::string>> LastLines(std::string_view name) const;
  /// What a plugin was given when its configuration in the node's is of an older version; "" = not.
  [[nodiscard]] std::string MigratedConfigOf(std::string_view name) const;
  /// What can be configured of a plugin, and what counts; {} for one that is not there.
  [[nodiscard]] std::vector<ConfigKey> ConfigKeysOf(std::string_view name) const;
  /// Metrics of all plugins in the Prometheus text format.
  [[nodiscard]] std::string MetricsText() const { return metrics_.Text(); }
  /// nullptr without keeper.
  [[nodiscard]] Supervisor* supervisor() { return supervisor_.get(); }

  [[nodiscard]] bool Known(std::string_view type) const override;
  [[nodiscard]] bool Sharable(std::string_view type) const override;
  [[nodiscard]] bool Updatable(std::string_view type) const override;
  Result<grid::Examined> Examine(grid::Deployment const& deployment, grid::Workload const& workload,
                                 bool check_valid) override;

  [[nodiscard]] std::optional<TypeInfo> Type(std::string_view name) const override;
  [[nodiscard]] std::vector<TypeInfo> Types() const override;
  [[nodiscard]] std::uint64_t Revision() const override { return registry_.revision(); }
  OpAnswer Run(Op op, OpRequest const& request, std::shared_ptr<CancelToken> cancel) override;
  OpAnswer RunHere(Op op, OpRequest const& request, std::shared_ptr<CancelToken> cancel,
                   LostCallback const& lost) override;
  OpAnswer Precheck(Op op, OpRequest const& request) override;
  Result<InspectAnswer> Inspect(OpRequest const& request) override;
  Result<std::vector<std::string>> ListOwned(std::string_view type) override;
  void Recovered(std::vector<std::pair<std::string, std::string>> const& id_and_type) override;
  [[nodiscard]] std::optional<CommandInfo> Command(std::string_view name) const override;
  CommandReply RunCommand(std::string_view name, std::uint32_t twin,
                          std::string_view payload) override;
  std::vector<Provided> Provide(std::string_view kind, std::string_view request) override;
  [[nodiscard]] std::vector<ProviderInfo> Providers(std::string_view kind) const override;
  Result<std::string> AskProvider(ProviderInfo const& provider, std::string_view request,
                                  std::chrono::milliseconds limit) override;
  std::vector<std::pair<std::string, std::string>> Health() override;
  Result<std::string> CallService(std::string_view id, std::string_view method,
                                  std::string_view request, std::vector<int>* fds_out) override;
  void Publish(std::string_view topic, std::string_view payload) override;
  [[nodiscard]] std::vector<PluginStatus> Status() const override;
  /// Calls into plugins since the start.
  [[nodiscard]] std::uint64_t calls() const { return directory_.calls(); }

 private:
  /// One version taking the place of another.
  struct Exchange;
  /// When a plugin's state is brought to its version.
  enum class StateCare : std::uint8_t { kNow, kLater };
  /// A call in its slot, ready to go.
  struct Entered {
    PluginRecord* plugin;
    CallInfo call;
  };

  Manager(ManagerOptions options, KernelServices& kernel);
  std::unique_ptr<Supervisor> MakeSupervisor();
  Result<void> Discover();
  void Load(std::string const& file);
  /// What it has whether or not its code can be loaded.
  Result<void> Outfit(PluginRecord& plugin);
  Result<void> Verify(PluginRecord& plugin);
  Result<void> LoadCode(PluginRecord& plugin);
  /// Did a created plugin register what its manifest lists?
  static Result<void> CheckRegistered(PluginRecord const& plugin);
  Result<void> LoadInline(PluginRecord& plugin);
  Result<void> LoadHelper(PluginRecord& plugin);
  Result<void> Describe(PluginRecord& plugin, DescriptionBody const& description);
  /// Sets what is granted of `asked`; kInvalid when that, or the configuration, has a permission
  /// nobody knows.
  Result<void> Grant(PluginRecord& plugin, std::vector<std::string> const& asked) const;
  [[nodiscard]] OpenSpec SpecOf(PluginRecord const& plugin) const;
  [[nodiscard]] Hosting HostingOf(std::string const& name) const;
  /// Its process, with no more rights than `permissions`.
  Result<std::shared_ptr<ProcessChannel>> OpenHelper(PluginRecord& plugin,
                                                     std::vector<std::string> const& permissions);
  void AttachHelper(PluginRecord& plugin, ProcessChannel& helper);
  void OnHelperDeath(PluginRecord& plugin, std::string const& how);
  /// After a time that grows with the number of deaths; never after too many.
  void RestartLater(PluginRecord& plugin, std::string const& how);
  void RestartHelper(PluginRecord& plugin);
  /// Its process, when its file still has the version that was checked.
  Result<std::shared_ptr<ProcessChannel>> OpenOfVersion(PluginRecord& plugin);
  /// One that failed before it was created, from the beginning.
  Result<void> BringAgain(PluginRecord& plugin);
  [[nodiscard]] Result<PluginRecord*> FindIsolated(std::string_view name) const;
  Result<void> ReplaceHelper(PluginRecord& plugin);
  /// False when the manager stops first.
  bool Rest(std::chrono::milliseconds time);
  /// A new life of a plugin that was loaded before, not created yet.
  Result<std::shared_ptr<PluginChannel>> OpenAgain(PluginRecord& plugin);
  /// The same up to its start; the plugin's state stays to be set.
  Result<void> Revive(PluginRecord& plugin);

  // Exchange of versions (manager_reload.cpp, manager_switch.cpp).
  Result<PluginRecord*> FindReloadable(std::string_view name);
  /// One whose file was not there when the others were loaded. kNotFound.
  Result<PluginRecord*> AddPlugin(std::string const& name);
  Result<void> PrepareNext(Exchange& exchange);
  Result<void> CheckNext(Exchange const& exchange);
  Result<void> CheckTypes(Exchange const& exchange);
  Result<void> CheckPlace(Exchange& exchange);
  Result<void> CompareWorkloads(Exchange const& exchange);
  Result<void> Switch(Exchange& exchange);
  Result<void> ShutOut(Exchange& exchange);
  Result<void> CheckHealth(Exchange const& exchange);
  void StopOld(Exchange& exchange);
  /// A death during an exchange was nobody's concern; from now on it is.
  void CheckAlive(PluginRecord& plugin);
  void Settle(Exchange& exchange);
  /// The old version goes on; a sentence when it cannot at once.
  std::string GoBack(Exchange& exchange);
  /// The version on probation died: the one before it goes on. The gates are closed, and opened.
  void TakeBack(PluginRecord& plugin, std::string const& how);
  void EndProbation(PluginRecord& plugin);
  /// Runs again, or will once its process can be started.
  std::string ReviveOrRetry(PluginRecord& plugin);
  void Discard(PluginRecord& plugin);
  /// Tells a version that gets no calls yet about its workloads and leases.
  Result<void> Tell(PluginRecord const& plugin, Registry const& registered);
  [[nodiscard]] bool Stopping();

  // State and configuration (manager_state.cpp).
  [[nodiscard]] StoredState StateOf(PluginRecord const& plugin) const;
  Result<std::string> MigratedConfig(PluginRecord& plugin, PluginChannel& channel);
  /// What its create is given: checked against its schema, with all defaults.
  Result<std::string> ConfigFor(PluginRecord& plugin, PluginChannel& channel);
  Result<void> CheckStateVersion(PluginRecord const& plugin) const;
  /// Settles what a crash left, and migrates.
  Result<void> PrepareState(PluginRecord& plugin, PluginChannel& channel);
  Result<void> MigrateState(PluginRecord& plugin, PluginChannel& channel);
  void ForgetKept(PluginRecord& plugin) const;
  void BringStateBack(PluginRecord& plugin) const;

  void Recover(PluginRecord const& plugin);
  void RecoverType(std::string const& type,
                   std::vector<std::pair<std::string, std::string>> const& id_and_type);
  // Coming up (manager_bring.cpp).
  using Created = std::shared_future<Result<void>>;
  void Resolve();
  void Bring();
  /// Has it to wait for another plugin, or lacks it one? Its state says so then.
  bool Held(PluginRecord& plugin);
  /// Creates it on a thread of its own.
  Created Begin(PluginRecord& plugin);
  void StartCreated(PluginRecord& plugin);
  /// Starts it, and those that wait for it, once it is created.
  void ArriveLater(PluginRecord& plugin, Created const& created);
  void Arrive(PluginRecord& plugin, Created const& created);
  void BringWaiting();
  /// Its channel, and what it needs beside its code.
  Result<void> TakeUp(PluginRecord& plugin);
  Result<void> Create(PluginRecord& plugin, StateCare care, std::chrono::milliseconds limit);
  std::shared_ptr<PluginChannel> TakeChannel(PluginRecord& plugin);
  [[nodiscard]] std::shared_ptr<Registry> MainRegistry();
  Result<void> Start(PluginRecord& plugin);
  void Fail(PluginRecord& plugin, PluginState state, Error const& error);
  [[nodiscard]] std::string MissingRequirement(PluginRecord const& plugin) const;

  [[nodiscard]] CallInfo NewCall(std::chrono::milliseconds limit) const;
  /// One that the end of the manager cancels: of a plugin that is coming up. Without grace.
  [[nodiscard]] CallInfo StartCall(std::chrono::milliseconds limit);
  /// Without grace: for whoever does not need the plugin any more when it is late.
  [[nodiscard]] CallInfo ShortCall(std::chrono::milliseconds limit) const;
  void AddAvailability(TypeInfo& type) const;
  /// The running plugin of a type, and a slot in it.
  Result<Entered> EnterType(OpRequest const& request, std::string_view operation,
                            std::chrono::seconds limit, std::shared_ptr<CancelToken> cancel);
  /// The same without what is of the request. The call's hold is set, nothing else.
  Result<Entered> Admit(std::string const& type, CancelToken const* cancel);
  [[nodiscard]] tl::unexpected<Error> NotAvailable(std::string const& type) const;
  /// The running plugin, with the call admitted to its services, commands and providers.
  Result<PluginRecord*> AdmitCall(std::string const& plugin, CallInfo& call, std::string const& key,
                                  std::uint32_t max_parallel);
  [[nodiscard]] PluginRecord* Running(std::string_view plugin) const;

  ManagerOptions const options_;
  std::unique_ptr<Trust> trust_;  // nullptr: every file is loaded
  Metrics metrics_;
  Registry registry_;
  std::unique_ptr<HelperLoop> loop_;  // outlives every helper, so it stands before the directory
  mutable Directory directory_;
  Broker broker_;
  std::unique_ptr<Supervisor> supervisor_;
  HostParts const parts_;
  std::map<std::string, std::unique_ptr<Library>> libraries_;         // until their channel is made
  std::map<std::string, std::shared_ptr<ProcessChannel>> described_;  // until created
  std::timed_mutex life_mutex_;  // one plugin is restarted or exchanged at a time; guards order_
  std::vector<std::string> order_;
  std::mutex stop_mutex_;  // guards what follows
  std::condition_variable stopping_;
  bool stopped_ = false;
  std::vector<std::weak_ptr<CancelToken>> starting_;        // of StartCall
  std::map<std::string, std::deque<std::int64_t>> deaths_;  // of helpers, CLOCK_MONOTONIC ns
  bool recovered_ = false;                                  // Recovered was called
  CallThreads threads_;  // the last two: they end before what their calls use
  CallWatch watch_;
};

}  // namespace trellis::plugin
