// trellisd: the node daemon, in the foreground.
#include "kernel/base/log.hpp"
#include "kernel/node/config.hpp"
#include "kernel/node/daemon.hpp"
#include "kernel/node/plugin_configs.hpp"
#include "kernel/node/relay_alone.hpp"
#include "kernel/node/version.hpp"
#include "kernel/sys/limits.hpp"
#include "kernel/sys/memory.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <sodium.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <csignal>

// Read by jemalloc. Threads wait far more than they allocate, so on a machine with many processors
// they need not have an arena each.
extern "C" {
[[gnu::visibility("default")]] extern char const* malloc_conf;
char const* malloc_conf = "narenas:4,dirty_decay_ms:2000";  // NOLINT: its name and type
}

namespace {

using trellis::Result;

constexpr int kExhausted = 70;  // operations hang: whoever watches the daemon starts it anew

Result<void> ConfigureLog(trellis::node::NodeConfig const& config) {
  auto const format =
      config.log_format == "json" ? trellis::log::Format::kJson : trellis::log::Format::kText;
  TRELLIS_CHECK(trellis::log::Configure(format, config.log_file));
  TRELLIS_TRY(auto const level, trellis::log::ParseLevel(config.log_level));
  trellis::log::SetLevel(level);
  return {};
}

using trellis::node::ConfigSource;

Result<int> Check(ConfigSource const& source) {
  TRELLIS_TRY(auto const config, trellis::node::LoadConfig(source));
  if (!source.relay_only) TRELLIS_CHECK(trellis::node::CheckPluginConfigs(config));
  fmt::print("{}: good\n", source.file.string());
  return 0;
}

/// What to exit with.
Result<int> Run(ConfigSource const& source) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals,
                  nullptr);  // every thread inherits it; this one waits for them
  (void)std::signal(SIGPIPE, SIG_IGN);
  TRELLIS_TRY(auto config, trellis::node::LoadConfig(source));
  TRELLIS_CHECK(ConfigureLog(config));
  (void)trellis::sys::RaiseFileLimit();  // every session of the relay is one
  TRELLIS_TRY(auto const node, source.relay_only ? trellis::node::RelayAlone::Open(config)
                                                 : trellis::node::OpenDaemon(std::move(config)));
  trellis::sys::GiveBackStart();
  node->OnShutdown([] { (void)::kill(::getpid(), SIGTERM); });
  timespec const half_minute{30, 0};
  int signal = -1;
  while (signal < 0 && !node->exhausted()) {
    node->Tick();
    trellis::sys::GiveBackUnused();
    signal = sigtimedwait(&signals, nullptr, &half_minute);
  }
  trellis::log::Info("stopping, workloads keep running", {{"signal", signal}});
  return node->exhausted() ? kExhausted : 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("trellisd runs a Trellis node in the foreground");
  ConfigSource source;
  app.add_option("--config", source.file, "configuration file (TOML)");
  app.add_option("--set", source.settings, "a line of TOML that wins over the file");
  app.add_flag("--relay", source.relay_only, "run only the relay of the configuration");
  app.add_flag("--dev", source.dev,
               "run unsigned plugins too, where the configuration has plugins.dev_mode");
  bool check = false;
  app.add_flag("--check", check, "only say whether the configuration is good");
  app.set_version_flag("--version", std::string(trellis::node::kVersion));
  CLI11_PARSE(app, argc, argv);
  if (sodium_init() < 0) return 1;
  auto const done = check ? Check(source) : Run(source);
  if (done) return *done;
  fmt::print(stderr, "trellisd: {}\n", done.error().message);
  return 1;
}
