// grid init, up, down, status.
#include "kernel/sys/process.hpp"
#include "tools/cli/app.hpp"
#include "tools/cli/control_client.hpp"
#include "tools/cli/grid_dir.hpp"
#include "tools/cli/grid_init.hpp"
#include "tools/cli/programs.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

namespace trellis::cli {
namespace {

constexpr std::int64_t kLongestWait = 100;  // seconds, below the time a call may take
constexpr std::chrono::milliseconds kPoll(100);

std::string Text(json::Value const& object, std::string_view key) {
  auto const* value = object.is_object() ? object.as_object().if_contains(key) : nullptr;
  if (value == nullptr || value->is_null()) return "";
  return value->is_string() ? std::string(value->as_string()) : boost::json::serialize(*value);
}

std::string OrNone(std::string const& text) {
  return text.empty() ? "none: the ledger has no chain endpoint" : text;
}

bool IsDev(json::Value const& status) {
  auto const* dev = status.as_object().if_contains("dev");
  return dev != nullptr && dev->is_bool() && dev->get_bool();
}

std::string StatusText(json::Value const& status) {
  auto text = fmt::format("node {} (twin {}), trellisd {}, up {} s, pid {}\n",
                          Text(status, "node_id"), Text(status, "twin_id"), Text(status, "version"),
                          Text(status, "uptime_s"), Text(status, "pid"));
  if (IsDev(status)) text += "DEV          this node runs unsigned plugins (trellisd --dev)\n";
  text += fmt::format("relay        {}\n", Text(status.at("relay"), "url"));
  if (auto const* chain = status.as_object().if_contains("facade"); chain && chain->is_object())
    text += fmt::format("chain        {}\n", Text(*chain, "url"));
  text += fmt::format("http         {}\n", Text(status.at("http"), "url"));
  if (auto const* accel = status.as_object().if_contains("accel"); accel != nullptr) {
    text += fmt::format("accelerator  {} ({})\n", Text(*accel, "accel"), Text(*accel, "reason"));
  }
  text +=
      fmt::format("deployments  {}, workloads {}, queued jobs {}\n", Text(status, "deployments"),
                  Text(status, "workloads"), Text(status.at("queue"), "all"));
  if (auto const* troubles = status.as_object().if_contains("troubles");
      troubles != nullptr && troubles->is_array()) {
    for (auto const& trouble : troubles->as_array())
      text += fmt::format("trouble      {}\n", std::string_view(trouble.as_string()));
  }
  for (auto const& plugin : status.at("plugins").as_array()) {
    text += fmt::format("plugin       {:<10} {:<9} {}{}\n", Text(plugin, "name"),
                        Text(plugin, "state"), IsDev(plugin) ? "DEV " : "", Text(plugin, "reason"));
  }
  return text;
}

/// Waits until the daemon answers `local.status`, at most `limit`; `recover`: how long the daemon
/// may then take to bring back what it had.
Result<json::Value> WaitReady(GridDir const& grid, std::chrono::seconds limit,
                              std::function<bool()> const& alive,
                              std::chrono::seconds recover = std::chrono::seconds(0)) {
  auto const end = std::chrono::steady_clock::now() + limit;
  while (true) {
    auto client = ControlClient::Connect(grid.control_socket());
    if (client) {
      boost::json::object const wait{{"wait_ready_s", recover.count()}};
      if (auto status = client->Call("local.status", wait); status) return status;
    }
    if (std::chrono::steady_clock::now() >= end)
      return Fail(Code::kUnavailable, "no daemon answers on '{}': start it with 'trellis up'",
                  grid.control_socket().string());
    if (!alive())
      return Fail(Code::kUnavailable, "the daemon ended while it started: see '{}'",
                  (grid.settings().state_dir / "trellisd.log").string());
    std::this_thread::sleep_for(
        kPoll);  // the socket's appearance is the event; nothing tells of it before
  }
}

Result<void> Status(App const& app, std::int64_t wait_s) {
  TRELLIS_TRY(auto const grid, GridDir::Open(app.dir));
  TRELLIS_TRY(auto const status,
              WaitReady(
                  grid, std::chrono::seconds(wait_s), [] { return true; },
                  std::chrono::seconds(std::min<std::int64_t>(wait_s, kLongestWait))));
  app.Print(status, StatusText(status));
  return {};
}

Result<pid_t> SpawnDaemon(GridDir const& grid, bool dev) {
  auto const binary = ProgramBeside("trellisd").string();
  auto const config = (grid.path() / "trellis.toml").string();
  auto const log = (grid.settings().state_dir / "trellisd.log").string();
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0640);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  std::array<char const*, 5> const argv{binary.c_str(), "--config", config.c_str(),
                                        dev ? "--dev" : nullptr, nullptr};
  pid_t pid = 0;
  int const failed = ::posix_spawn(
      &pid, binary.c_str(), &actions, &attributes, const_cast<char**>(argv.data()),
      environ);  // NOLINT(cppcoreguidelines-pro-type-const-cast): the C interface lacks const
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0)
    return Fail(Code::kIo, "cannot start '{}': {}", binary,
                std::error_code(failed, std::generic_category()).message());
  return pid;
}

/// Starts the daemon and waits until it answers; its status.
Result<json::Value> StartDaemon(App const& app, GridDir const& grid, bool dev) {
  if (dev && !grid.settings().dev_mode)
    return Fail(Code::kInvalid, "--dev wants 'dev_mode = true' in [plugins] of '{}'",
                (grid.path() / "trellis.toml").string());
  TRELLIS_TRY(auto const pid, SpawnDaemon(grid, dev));
  app.Progress("starting the daemon ...");
  auto const alive = [pid] { return ::waitpid(pid, nullptr, WNOHANG) == 0; };
  return WaitReady(grid, std::chrono::seconds(60), alive);
}

Result<void> Up(App const& app, bool dev) {
  TRELLIS_TRY(auto const grid, GridDir::Open(app.dir));
  if (auto client = ControlClient::Connect(grid.control_socket()); client) {
    if (auto const status = client->Call("local.status", nullptr);
        status) {  // else it is just ending
      app.Print(*status, "the daemon is already running\n" + StatusText(*status));
      return {};
    }
  }
  TRELLIS_TRY(auto const status, StartDaemon(app, grid, dev));
  app.Print(status, StatusText(status));
  return {};
}

/// Waits for the end of a process that is not our child.
void WaitGone(pid_t pid) {
  sys::UniqueFd const fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!fd.valid()) return;
  pollfd entry{fd.get(), POLLIN, 0};
  constexpr int kLimitMs = 60000;
  (void)::poll(&entry, 1, kLimitMs);
}

Result<void> Down(App const& app, bool all) {
  TRELLIS_TRY(auto const grid, GridDir::Open(app.dir));
  auto client = ControlClient::Connect(grid.control_socket());
  if (!client && all) {  // only the daemon knows how to take its network down
    TRELLIS_CHECK(StartDaemon(app, grid, /*dev=*/false));
    client = ControlClient::Connect(grid.control_socket());
  }
  if (!client) {
    app.Print(boost::json::object{{"stopped", false}}, "the daemon is not running");
    return {};
  }
  TRELLIS_TRY(auto const status, client->Call("local.status", nullptr));
  if (all) {
    auto const torn = client->Call("zos.network.teardown", nullptr);
    if (!torn) app.Progress("network: " + torn.error().message);
    auto const quit = client->Call("local.keeper.quit", nullptr);
    if (!quit) app.Progress("keeper: " + quit.error().message);
  }
  auto const asked = client->Call("local.shutdown", nullptr);
  // It may be gone before its answer; then it did what was asked.
  if (!asked && asked.error().code != Code::kUnavailable)
    return tl::unexpected<Error>(asked.error());
  WaitGone(static_cast<pid_t>(status.at("pid").to_number<std::int64_t>()));
  app.Print(boost::json::object{{"stopped", true}},
            all ? "the daemon is stopped, its node network and data processes are gone"
                : "the daemon is stopped; workloads keep running");
  return {};
}

}  // namespace

void AddGridCommands(CLI::App& root, App& app) {
  auto* const grid = root.add_subcommand("grid", "make a grid")->require_subcommand(1);
  auto* const init =
      grid->add_subcommand("init", "make a one-machine grid: keys, ledger, configuration");
  auto options = std::make_shared<InitOptions>();
  init->add_option("--listen", options->listen,
                   "IPv4 address of relay, chain endpoint and HTTP service, where other machines "
                   "reach them (default 127.0.0.1)");
  init->add_option("--relay-port", options->relay_port, "port of the relay, 0 = one that is free");
  init->add_option("--chain-port", options->chain_port,
                   "port of the chain endpoint, 0 = one that is free");
  init->add_option("--http-port", options->http_port,
                   "port of the HTTP service, 0 = one that is free");
  init->add_option("--node-seed", options->node_seed,
                   "secret of the node's twin, 0x and 64 hex digits");
  init->add_option(
      "--twins", options->twins,
      "JSON file with twins to import: {\"twins\":[{\"id\",\"account\",\"relay\",\"pk\"}]}");
  init->add_option("--etcd", options->etcd,
                   "member of the etcd cluster that keeps the ledger: http://<ip>:2379; once for "
                   "each member");
  init->add_option("--etcd-prefix", options->etcd_prefix, "of the ledger's keys in the cluster");
  init->add_option("--chain", options->chain,
                   "node of the chain that keeps the ledger: ws://<ip>:<port> or wss://…; may be "
                   "repeated; with --farm");
  init->add_option("--farm", options->farm, "farm on that ledger that the node joins");
  app.On(init, [&app, options]() -> Result<void> {
    options->dir = app.dir;
    TRELLIS_TRY(auto const made, InitGrid(*options));
    app.Print(
        made,
        fmt::format("made a grid in {}\n  node {} with twin {}, farmer twin {}, user twin {} "
                    "(key 'user')\n  for grid clients:\n    chain  {}\n    relay  {}\n    "
                    "http   {}\n  next: trellis --dir {} up",
                    Text(made, "dir"), Text(made, "node_id"), Text(made, "node_twin"),
                    Text(made, "farmer_twin"), Text(made, "user_twin"), OrNone(Text(made, "chain")),
                    Text(made, "relay"), Text(made, "http"), Text(made, "dir")));
    return {};
  });
  auto* const up = root.add_subcommand("up", "start the daemon in the background");
  auto dev = std::make_shared<bool>(false);
  up->add_flag("--dev", *dev, "run unsigned plugins too; only where dev_mode is on");
  app.On(up, [&app, dev] { return Up(app, *dev); });
  auto* const down = root.add_subcommand("down", "stop the daemon; workloads keep running");
  auto all = std::make_shared<bool>(false);
  down->add_flag("--all", *all, "also take down the node network and the supervised processes");
  app.On(down, [&app, all] { return Down(app, *all); });
  auto* const status = root.add_subcommand("status", "how the node does");
  auto wait = std::make_shared<std::int64_t>(0);
  status->add_option("--wait-ready", *wait, "wait up to this many seconds for the daemon");
  app.On(status, [&app, wait] { return Status(app, *wait); });
}

}  // namespace trellis::cli
