// FakeHost: an in-memory host that loads plugins and drives them through the plugin ABI, without a
// daemon.
//
//   trellis::testing::FakeHost host;
//   host.FakeService("trellis.storage.disk/1", [](auto method, auto request) { return "{}"; });
//   ASSERT_TRUE(host.Load("build/plugins/lamp.trellis.so", R"({"watts":40})"));
//   auto const done = host.Provision("lamp", "1-2-desk", R"({"color":"red"})");
//   EXPECT_EQ(done.status, TRL_OK) << done.error;
//
// Several plugins may be loaded: their service calls reach each other.
// Every plugin has its own durable store and directories below dir(); they survive Unload, so that
// Unload + Load is a restart. Thread-safe; calls run on the caller's thread.
#pragma once

#include <trellis/abi.h>
#include <trellis/capacity.hpp>
#include <trellis/host.hpp>
#include <trellis/result.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

// FakeHost is header-only. With TRELLIS_TESTING_COMPILED its functions are only declared here: a
// program of many test files then includes the three detail/fake_host_*.hpp in one of them, with
// TRELLIS_TESTING_API defined empty.
#ifndef TRELLIS_TESTING_API
#define TRELLIS_TESTING_API inline
#endif

namespace trellis::testing {

/// What an effect answered.
struct Answer {
  trl_status status = TRL_FAULT;
  std::string result;  ///< JSON, "" when none was written
  std::string handle;
  std::string error;
  std::uint32_t handle_schema = 0;
  [[nodiscard]] bool ok() const { return status == TRL_OK || status == TRL_NO_ACTION; }
};

/// What else an effect gets; everything may stay empty.
struct CallOptions {
  std::string previous;  ///< data in effect
  std::string result;    ///< stored result
  std::string handle;
  std::uint32_t handle_schema = 0;
  std::uint32_t version = 0;
  bool paused = false;
  std::uint32_t flags = 0;  ///< TRL_CALL_*
  std::uint32_t twin_id = 1;
  std::uint64_t contract_id = 1;
  std::int64_t deadline_ns = INT64_MAX;
};

struct LogLine {
  std::string plugin;
  std::int32_t level = 0;
  std::string text;
  std::string fields;
};
/// A call of trellis.engine/1: state -1 for `fail`.
struct EngineReport {
  std::string workload_id;
  std::int32_t state = -1;
  std::string text;
};
struct PublishedEvent {
  std::string topic;
  std::string payload;
};
struct EnsuredProcess {
  std::string spec;      ///< JSON as given
  std::int32_t pid = 0;  ///< made up, or what on_ensure answered
  std::uint64_t ensured = 0;
};

struct LoadedPlugin;

class FakeHost {
 public:
  using Service =
      std::function<Result<std::string>(std::string_view method, std::string_view request)>;

  FakeHost();
  /// Lives in `dir`, which stays, the plugins' stores too: a host in another process goes on from
  /// there, also when this one is killed.
  explicit FakeHost(std::string dir);
  ~FakeHost();  ///< stops and destroys the plugins, newest first, and removes dir() unless it stays
  FakeHost(FakeHost const&) = delete;
  FakeHost& operator=(FakeHost const&) = delete;

  /// Temp directory of this host: `<dir>/state/<plugin>` and `<dir>/run/<plugin>` belong to the
  /// plugins.
  [[nodiscard]] std::string const& dir() const { return dir_; }
#ifdef TRELLIS_PLUGIN_DIR
  /// Path of a plugin of this build, by name; trellis_add_plugin_test sets the folder.
  [[nodiscard]] static std::string BuiltPlugin(std::string_view name) {
    return fmt::format("{}/{}.trellis.so", TRELLIS_PLUGIN_DIR, name);
  }
#endif

  /// create + start. The file stays mapped until the process ends.
  Result<void> Load(std::string const& path, std::string_view config = "{}");
  Result<void> Load(trl_plugin const& plugin, std::string_view config = "{}");
  /// stop + destroy; the plugin's store and directories stay. kNotFound.
  Result<void> Unload(std::string_view name);

  // ---- pure half of a type ----
  Result<void> Valid(std::string_view type, std::string_view data);
  Result<std::string> Challenge(std::string_view type, std::string_view data);
  Result<Capacity> CapacityOf(std::string_view type, std::string_view data);
  std::int64_t Weight(std::string_view type, std::string_view data);
  Result<std::vector<std::string>> Dependencies(std::string_view type, std::string_view data);
  /// 0 when the type is unknown.
  std::uint32_t Rank(std::string_view type);

  // ---- effects ----
  Answer Provision(std::string_view type, std::string_view id, std::string_view data,
                   CallOptions const& options = {});
  Answer Update(std::string_view type, std::string_view id, std::string_view data,
                CallOptions const& options = {});
  Answer Deprovision(std::string_view type, std::string_view id, std::string_view data = "{}",
                     CallOptions const& options = {});
  Answer Pause(std::string_view type, std::string_view id, std::string_view data,
               CallOptions const& options = {});
  Answer Resume(std::string_view type, std::string_view id, std::string_view data,
                CallOptions const& options = {});
  Answer Precheck(std::string_view type, std::string_view id, PrecheckOp op, std::string_view data,
                  CallOptions const& options = {});
  Result<Observed> Inspect(std::string_view type, std::string_view id, std::string_view data,
                           CallOptions const& options = {});
  Result<std::vector<std::string>> ListOwned(std::string_view type);
  Result<void> Recovered(std::string_view type, std::vector<std::string> const& ids);

  // ---- services, commands, providers ----
  Result<ServiceReply> CallService(std::string_view id, std::string_view method,
                                   std::string_view request, CallOptions const& options = {},
                                   std::vector<std::int32_t> const& fds = {});
  /// Typed form.
  template <class Reply, class Request>
  Result<Reply> CallService(std::string_view id, std::string_view method, Request const& request) {
    TRELLIS_TRY(auto const reply, CallService(id, method, std::string_view(json::Dump(request))));
    return json::Parse<Reply>(reply.body);
  }
  Result<std::string> Command(std::string_view name, std::string_view payload,
                              CallOptions const& options = {});
  /// The answer of each provider of that kind, in order of registration.
  Result<std::vector<std::string>> Providers(std::string_view kind,
                                             std::string_view request = "{}");
  Result<std::string> Health(std::string_view plugin);

  // ---- the world around the plugins ----
  /// Answers `id` when no loaded plugin provides it.
  void FakeService(std::string_view id, Service service);
  /// Makes a workload visible to trellis.deployment/1; one per id, the last one counts.
  void SetWorkload(WorkloadView workload, bool sharable = false);
  void RemoveWorkload(std::string_view id);
  void SetContract(ContractView contract, bool node_rented = false);
  /// Who holds a name on the ledger (`NameOwnerView` as JSON); an Error is what asking ends with.
  void SetNameOwner(std::string name, Result<std::string> owner);
  void SetNode(std::string node_json) {
    node_ = std::move(node_json);
  }
  void Cancel(bool cancelled) {
    cancelled_ = cancelled;
  }
  /// Runs every scheduled task once, on this thread.
  void RunTasks();
  /// Delivers a kernel event to the subscribers.
  void Publish(std::string_view topic, std::string_view payload);

  // ---- what the plugins did ----
  std::vector<LogLine> Logs();
  std::vector<EngineReport> Reports();
  std::vector<PublishedEvent> Events();
  /// Running data processes by `<plugin>/<name>`.
  std::map<std::string, EnsuredProcess> Processes();
  std::map<std::string, std::string> Store(std::string_view plugin);
  /// Sums of counters and last values of gauges, by `<plugin>/<name>`.
  std::map<std::string, double> Metrics();

  /// Called for each ensure that starts or changes something; the result is the pid. Unset: made-up
  /// pids.
  std::function<Result<std::int32_t>(std::string_view name, ProcessSpec const&)> on_ensure;
  std::function<void(std::string_view name)> on_stop;
  /// Answers which processes of that plugin there are. Unset: those that were ensured here.
  std::function<std::vector<ProcessInfo>(std::string_view plugin, std::string_view prefix)> on_list;

 private:
  friend struct FakeHostTables;
  struct TypeEntry {
    trl_type_ops const* ops;
    void* self;
    std::uint32_t rank;
  };
  Result<TypeEntry> FindType(std::string_view type);
  template <class Function>
  Answer Effect(std::string_view type, std::string_view id, std::string_view data,
                CallOptions const& options, Function&& function);
  trl_status Route(trl_call const* call, trl_bytes id, trl_bytes method, trl_bytes request,
                   trl_fds fds, trl_sink reply, trl_fd_sink reply_fds, trl_sink err);

  struct MetricEntry {
    std::string name;
    std::int32_t kind;
    double value;
  };
  /// With the lock held: of a host whose directory stays.
  void SaveStore(std::string const& plugin);
  void ReadStores();

  std::string dir_;
  bool stays_ = false;
  std::string node_ =
      R"({"node_id":1,"farm_id":1,"twin_id":1,"public_key":"","region":"","boot_id":"boot","public_config":null})";
  std::atomic<bool> cancelled_ = false;
  std::mutex mutex_;  // guards everything below
  std::vector<std::unique_ptr<LoadedPlugin>> plugins_;
  std::map<std::string, std::map<std::string, std::string>, std::less<>> stores_;
  std::map<std::string, Service, std::less<>> fake_services_;
  std::map<std::string, WorkloadView, std::less<>> workloads_;
  std::map<std::string, bool, std::less<>> sharable_;
  ContractView contract_;
  bool node_rented_ = false;
  std::map<std::string, Result<std::string>, std::less<>> names_;
  std::map<std::string, EnsuredProcess> processes_;
  std::vector<LogLine> logs_;
  std::vector<EngineReport> reports_;
  std::vector<PublishedEvent> events_;
  std::vector<MetricEntry> metrics_;  // the id is the place + 1
  std::int32_t next_pid_ = 100000;
};

}  // namespace trellis::testing

#ifndef TRELLIS_TESTING_COMPILED
#include <trellis/detail/fake_host_drive.hpp>   // IWYU pragma: export
#include <trellis/detail/fake_host_life.hpp>    // IWYU pragma: export
#include <trellis/detail/fake_host_tables.hpp>  // IWYU pragma: export
#endif
