// trellis-conformance: does a plugin keep to the plugin ABI? Prints TAP; exit code 0 when it does.
#include "tools/conformance/runner.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <filesystem>

namespace trellis::conformance {

namespace {

struct Options {
  std::string file;
  std::string samples;
  std::string plugin_host;
  std::string only;
  bool pure = false;
  unsigned patience_s = 30;
};

std::vector<Check> AllChecks() {
  std::vector<Check> all;
  for (auto const& part :
       {FileChecks(), DataChecks(), HostChecks(), LifeChecks(), EffectChecks(), IsolatedChecks()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::string BesideThisProgram(char const* name) {
  std::error_code error;
  auto const self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (self.parent_path() / name).string();
}

Result<Setting> Prepare(Options const& options) {
  Setting setting;
  std::error_code error;
  setting.file = std::filesystem::canonical(options.file, error).string();
  if (error) return Fail(Code::kNotFound, "'{}': {}", options.file, error.message());
  setting.plugin_host =
      options.plugin_host.empty() ? BesideThisProgram("trellis-plugin-host") : options.plugin_host;
  if (!std::filesystem::exists(setting.plugin_host, error))
    return Fail(Code::kNotFound, "'{}' is not there: name it with --plugin-host",
                setting.plugin_host);
  setting.patience = std::chrono::seconds(options.patience_s);
  if (!options.samples.empty()) {
    TRELLIS_TRY(setting.samples, Samples::Read(options.samples));
  }
  return setting;
}

bool Wanted(Options const& options, Check const& check) {
  return options.only.empty() || options.only.find(check.id) != std::string::npos;
}

/// The number of checks that failed.
int RunAll(Options const& options, Setting const& setting) {
  std::vector<Check> checks;
  for (auto const& check : AllChecks()) {
    if (Wanted(options, check)) checks.push_back(check);
  }
  fmt::print("TAP version 13\n1..{}\n", checks.size());
  std::size_t number = 0;
  int failed = 0;
  for (auto const& check : checks) {
    ++number;
    if (options.pure && check.needs != Needs::kCreate) {
      fmt::print("ok {} - {} {} # SKIP --pure\n", number, check.id, check.title);
      continue;
    }
    std::fflush(stdout);
    auto const verdict = Run(check, setting);
    fmt::print("{} {} - {} {}\n", verdict.ok ? "ok" : "not ok", number, check.id, check.title);
    if (!verdict.ok) {
      ++failed;
      fmt::print("  ---\n  did: {}\n  wants: {}\n  ...\n", verdict.did, verdict.wants);
    }
  }
  fmt::print("# {} of {} failed\n", failed, checks.size());
  return failed;
}

}  // namespace

}  // namespace trellis::conformance

int main(int argc, char** argv) {
  using namespace trellis::conformance;  // NOLINT(google-build-using-namespace): of this program
  (void)std::signal(SIGPIPE, SIG_IGN);
  Options options;
  CLI::App app("trellis-conformance: checks that a plugin keeps to the plugin ABI");
  app.add_option("file", options.file, "the plugin, <name>.trellis.so")->required();
  app.add_option("--samples", options.samples,
                 R"(JSON file: {"config":{…},"types":{"lamp":{"data":{…}}},"services":{…}})");
  app.add_flag("--pure", options.pure,
               "leave out the checks that start the plugin or provision something");
  app.add_option("--only", options.only, "run these checks, for example C07,C12");
  app.add_option("--plugin-host", options.plugin_host,
                 "path of trellis-plugin-host (default: beside this program)");
  app.add_option("--patience", options.patience_s,
                 "seconds that a cancelled operation may take to end (default: 30)");
  CLI11_PARSE(app, argc, argv);
  auto const setting = Prepare(options);
  if (!setting) {
    fmt::print(stderr, "trellis-conformance: {}\n", setting.error().message);
    return 2;
  }
  return RunAll(options, *setting) == 0 ? 0 : 1;
}
