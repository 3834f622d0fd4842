// The plugin of the crash tests: types `crashy` and `crashynet` (sharable), resources in files.
#include "tests/support/plugins/crashy/journal.hpp"
#include "tests/support/plugins/crashy/script.hpp"

#include <trellis/sdk.hpp>

#include <poll.h>

#include <memory>
#include <string>
#include <vector>

#ifndef CRASHY_HANDLE_SCHEMA
#define CRASHY_HANDLE_SCHEMA 1
#endif

namespace trellis::crashy {
namespace {

constexpr std::uint32_t kNetRank = 300;

/// What the user writes.
struct Item {
  std::string token;               ///< no blanks
  std::uint64_t memory = 0;        ///< bytes reserved
  std::vector<std::string> needs;  ///< workloads it depends on
  std::uint32_t slow_ms = 0;       ///< how long an operation takes
  bool refuse_update = false;      ///< the plugin answers "unchanged"
  std::string precheck;            ///< text of a refusal before anything runs

  Result<void> Valid(WorkloadGetter const&) const {
    if (token.empty() || token.find(' ') != std::string::npos)
      return Invalid("token", "the token is empty or has blanks");
    return {};
  }
  void Challenge(ChallengeWriter& out) const {
    out.Add(token);
    out.Add(memory);
    for (auto const& name : needs)
      out.Add(name);
    out.Add(slow_ms);
    out.Add(refuse_update);
    out.Add(precheck);
  }
  [[nodiscard]] trellis::Capacity Capacity() const { return {.cru = 0, .mru = memory}; }
  [[nodiscard]] std::vector<std::string> Dependencies() const { return needs; }
};
BOOST_DESCRIBE_STRUCT(Item, (), (token, memory, needs, slow_ms, refuse_update, precheck))

/// What the user sees.
struct ItemResult {
  std::string token;
};
BOOST_DESCRIBE_STRUCT(ItemResult, (), (token))

using Done = Outcome<ItemResult>;

/// Where the tests keep everything.
struct Settings {
  std::string dir;
};
BOOST_DESCRIBE_STRUCT(Settings, (), (dir))

/// Takes the time that the workload asks for, unless cancelled.
Result<void> Spend(Call& call, std::uint32_t ms) {
  if (ms == 0) return {};
  pollfd entry{call.cancel_fd(), POLLIN, 0};
  (void)::poll(&entry, 1, static_cast<int>(ms));
  return call.Checkpoint();
}

class Provisioner {
 public:
  Provisioner(Journal journal, Script const& script)
      : journal_(std::move(journal)), script_(script) {}

  Result<void> Open() const { return journal_.Open(); }

  Result<Done> Provision(Call& call, Workload<Item> const& workload) {
    return Make(call, workload, "provision");
  }

  Result<Done> Update(Call& call, Workload<Item> const& workload) {
    TRELLIS_CHECK(NoteHandle(workload));
    if (!workload.data.refuse_update) return Make(call, workload, "update");
    for (auto const* point : {"begin", "partial", "done"})
      TRELLIS_CHECK(script_.Reach(call, workload.id, "update", point));
    return Done::Unchanged("update refused as told");
  }

  Result<void> Deprovision(Call& call, Workload<Item> const& workload) {
    TRELLIS_CHECK(NoteHandle(workload));
    auto const& token = workload.effective().token;
    TRELLIS_CHECK(script_.Reach(call, workload.id, "deprovision", "begin"));
    auto const now = journal_.Look(workload.id);
    if (now.made) TRELLIS_CHECK(journal_.Append(workload.id, "half", token));
    TRELLIS_CHECK(script_.Reach(call, workload.id, "deprovision", "partial"));
    if (now.exists()) TRELLIS_CHECK(journal_.Append(workload.id, "gone", token));
    return script_.Reach(call, workload.id, "deprovision", "done");
  }

  Result<void> Pause(Call& call, Workload<Item> const& workload) {
    return Turn(call, workload, "pause", "paused");
  }
  Result<void> Resume(Call& call, Workload<Item> const& workload) {
    return Turn(call, workload, "resume", "running");
  }

  Result<Observed> Inspect(Call&, Workload<Item> const& workload) {
    TRELLIS_CHECK(NoteHandle(workload));
    auto const now = journal_.Look(workload.id);
    if (!now.exists()) return Observed::Absent();
    if (!now.made) return Observed::Failed("only a part exists");
    if (now.token != workload.effective().token)
      return Observed::Drifted(fmt::format("the token is '{}'", now.token));
    return now.paused ? Observed::Paused() : Observed::Running();
  }

  Result<std::vector<std::string>> ListOwned(Call&) { return journal_.Owned(); }

  Result<void> Precheck(Call&, PrecheckOp, Workload<Item> const& workload) {
    if (workload.data.precheck.empty()) return {};
    return Fail(Code::kInvalid, "{}", workload.data.precheck);
  }

 private:
  /// Converges to exactly one instance with the wanted token.
  Result<Done> Make(Call& call, Workload<Item> const& workload, std::string_view operation) {
    auto const& token = workload.data.token;
    TRELLIS_CHECK(script_.Reach(call, workload.id, operation, "begin"));
    auto const before = journal_.Look(workload.id);
    if (!before.exists()) TRELLIS_CHECK(journal_.Append(workload.id, "part", token));
    TRELLIS_CHECK(script_.Reach(call, workload.id, operation, "partial"));
    TRELLIS_CHECK(Spend(call, workload.data.slow_ms));
    char const* const state = workload.paused ? "paused" : "running";
    if (!before.made || before.token != token) {
      TRELLIS_CHECK(journal_.Append(workload.id, "made", fmt::format("{} {}", token, state)));
    } else if (before.paused != workload.paused) {
      TRELLIS_CHECK(journal_.Append(workload.id, state, token));
    }
    TRELLIS_CHECK(script_.Reach(call, workload.id, operation, "done"));
    Done done(ItemResult{token});
    done.handle = token;
    done.handle_schema = CRASHY_HANDLE_SCHEMA;
    return done;
  }

  Result<void> Turn(Call& call, Workload<Item> const& workload, std::string_view operation,
                    std::string_view state) {
    auto const now = journal_.Look(workload.id);
    if (!now.made) return Fail(Code::kNotFound, "there is nothing to {}", operation);
    TRELLIS_CHECK(script_.Reach(call, workload.id, operation, "begin"));
    TRELLIS_CHECK(script_.Reach(call, workload.id, operation, "partial"));
    TRELLIS_CHECK(journal_.Append(workload.id, state, now.token));
    return script_.Reach(call, workload.id, operation, "done");
  }

  /// A handle of another schema was handed over: the tests want to know.
  Result<void> NoteHandle(Workload<Item> const& workload) const {
    if (workload.handle_schema == 0 || workload.handle_schema == CRASHY_HANDLE_SCHEMA) return {};
    return journal_.Append(workload.id, "handed",
                           fmt::format("{} {}", workload.handle, workload.handle_schema));
  }

  Journal journal_;
  Script const& script_;
};

/// What a monitor of the plugin would report.
struct Failure {
  std::string id;
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(Failure, (), (id, reason))
/// The part of trl_open.node that matters.
struct NodeFacts {
  std::string boot_id;
};
BOOST_DESCRIBE_STRUCT(NodeFacts, (), (boot_id))

class CrashyPlugin {
 public:
  static constexpr std::uint16_t kThreading = TRL_THREADING_PARALLEL;
  static constexpr char const* kManifest = R"({"manifest":1,"name":"crashy","version":"1.0.0",
    "summary":"resources in files, failures on order","license":"Apache-2.0",
    "services":{"provides":[],"requires":[],"wants":[]},"commands":["zos.x.crashy.fail"],
    "types":[{"name":"crashy","deadline_s":{"provision":2,"update":2,"deprovision":2,"pause":2,"resume":2}},
             {"name":"crashynet","sharable":true,"rank":300,
              "deadline_s":{"provision":2,"update":2,"deprovision":2,"pause":2,"resume":2}}],
    "permissions":["engine.report","fs.mount","command:zos.x.crashy."],
    "config":{"version":1,"schema":{"type":"object","additionalProperties":false,"properties":{"dir":{"type":"string"}}}},
    "state":{"version":1}})";

  static Result<std::unique_ptr<CrashyPlugin>> Create(Host host, Config const& config) {
    TRELLIS_TRY(auto const settings, config.As<Settings>());
    TRELLIS_TRY(auto const facts, json::Parse<NodeFacts>(host.node()));
    auto plugin = std::make_unique<CrashyPlugin>(settings.dir, facts.boot_id);
    TypeOptions net;
    net.rank = kNetRank;
    TypeOptions item;
    item.max_parallel = 4;
    TRELLIS_CHECK(host.RegisterType<Item>("crashy", plugin->items_, item));
    TRELLIS_CHECK(host.RegisterSharableType<Item>("crashynet", plugin->nets_, net));
    CommandOptions fail;
    fail.name = "zos.x.crashy.fail";
    fail.flags = TRL_COMMAND_LOCAL;
    TRELLIS_CHECK(
        host.AddCommand(fail, [host](Call&, std::string_view payload) -> Result<std::string> {
          TRELLIS_TRY(auto const failure, json::Parse<Failure>(payload));
          TRELLIS_CHECK(host.ReportFailed(failure.id, failure.reason));
          return "null";
        }));
    return plugin;
  }

  Result<void> Start(Call&) {
    TRELLIS_CHECK(items_.Open());
    return nets_.Open();
  }

  CrashyPlugin(std::filesystem::path const& dir, std::string const& boot)
      : script_(dir / "script"),
        items_(Journal(dir / "crashy", boot), script_),
        nets_(Journal(dir / "crashynet", boot), script_) {}

 private:
  Script script_;
  Provisioner items_;
  Provisioner nets_;
};

}  // namespace
}  // namespace trellis::crashy

using trellis::crashy::CrashyPlugin;
TRELLIS_PLUGIN(CrashyPlugin, "crashy", "1.0.0")
