// A plugin in three versions, for tests of exchanging them. The second has newer schemas of state
// and configuration, the third leaves out a type. What goes wrong in a version stands in
// `<run_dir>/script-<n>`: a step, and fail, hang, crash or bad.
#include <trellis/sdk.hpp>

#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#ifndef MORPH_VERSION
#define MORPH_VERSION 1
#endif
#define MORPH_TEXT_OF(n) #n
#define MORPH_TEXT(n) MORPH_TEXT_OF(n)
#define MORPH_RELEASE MORPH_TEXT(MORPH_VERSION) ".0.0"

namespace trellis::morph {
namespace {

constexpr int kVersion = MORPH_VERSION;
#if MORPH_VERSION == 1
#define MORPH_CONFIG "1"
#define MORPH_STATE "1"
#else
#define MORPH_CONFIG "3"
#define MORPH_STATE "2"
#endif
#if MORPH_VERSION == 3
#define MORPH_TYPES R"([{"name":"morph"}])"
#else
#define MORPH_TYPES R"([{"name":"morph"},{"name":"morph-more"}])"
#endif

std::string ReadAll(std::filesystem::path const& file) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

/// Does what the script says about `step`.
Result<void> Reach(std::filesystem::path const& run_dir, std::string const& step) {
  std::istringstream script(ReadAll(run_dir / ("script-" + std::to_string(kVersion))));
  std::string name;
  std::string what;
  while (script >> name >> what) {
    if (name != step) continue;
    if (what == "crash") std::raise(SIGKILL);
    while (what == "hang")
      ::pause();
    return Fail(Code::kNotFound, "told to fail in {}", step);
  }
  return {};
}

struct Thing {
  std::string name;
  std::uint32_t slow_ms = 0;
  bool process = false;  ///< has a data process

  Result<void> Valid(WorkloadGetter const&) const { return {}; }
  void Challenge(ChallengeWriter& out) const {
    out.Add(name);
    out.Add(slow_ms);
    out.Add(process);
  }
  [[nodiscard]] trellis::Capacity Capacity() const { return {}; }
};
BOOST_DESCRIBE_STRUCT(Thing, (), (name, slow_ms, process))

struct ThingResult {
  std::string version;
  std::string config;
  std::int32_t pid = 0;
};
BOOST_DESCRIBE_STRUCT(ThingResult, (), (version, config, pid))

/// Version 1 keeps one line for each thing in `things`, version 2 says first what it is.
class Things {
 public:
  Things(Host const& host, std::string config)
      : host_(host), folder_(host.state_dir()), config_(std::move(config)) {}

  Result<Outcome<ThingResult>> Provision(Call& call, Workload<Thing> const& workload) {
    TRELLIS_CHECK(Reach(host_.run_dir(), "provision"));
    pollfd cancelled{call.cancel_fd(), POLLIN, 0};
    if (workload.data.slow_ms > 0)
      (void)::poll(&cancelled, 1, static_cast<int>(workload.data.slow_ms));
    ThingResult result{MORPH_RELEASE, config_, 0};
    if (workload.data.process) {
      ProcessSpec spec;
      spec.argv = {"/bin/sleep", "3600"};
      TRELLIS_TRY(auto const started, host_.EnsureProcess(call, std::string(workload.id), spec));
      result.pid = started.pid;
    }
    std::ofstream(folder_ / "things", std::ios::app)
        << (kVersion == 1 ? "" : "thing ") << workload.id << '\n';
    return Outcome<ThingResult>(std::move(result));
  }
  Result<Outcome<ThingResult>> Update(Call& call, Workload<Thing> const& workload) {
    return Provision(call, workload);
  }
  Result<void> Deprovision(Call& call, Workload<Thing> const& workload) {
    (void)host_.StopProcess(call, std::string(workload.id));  // where there are none
    return {};
  }
  Result<Observed> Inspect(Call&, Workload<Thing> const&) { return Observed::Running(); }
  Result<std::vector<std::string>> ListOwned(Call&) { return std::vector<std::string>(); }

 private:
  Host host_;
  std::filesystem::path folder_;
  std::string config_;
};

class MorphPlugin {
 public:
  static constexpr std::uint16_t kThreading = TRL_THREADING_PARALLEL;
  static constexpr char const* kManifest =
      R"({"manifest":1,"name":"morph","version":")" MORPH_RELEASE
      R"(","commands":["zos.x.morph.version"],"permissions":["process.spawn","command:zos.x.morph."],"types":)" MORPH_TYPES
      R"(,"config":{"version":)" MORPH_CONFIG
      R"(,"schema":{"type":"object"}},"state":{"version":)" MORPH_STATE "}}";

  static Result<std::unique_ptr<MorphPlugin>> Create(Host host, Config const& config) {
    TRELLIS_CHECK(Reach(host.run_dir(), "create"));
    auto plugin = std::make_unique<MorphPlugin>(host, std::string(config.text()));
    TypeOptions type;
    type.max_parallel = 4;
    TRELLIS_CHECK(host.RegisterType<Thing>("morph", plugin->things_, type));
    if (kVersion != 3) TRELLIS_CHECK(host.RegisterType<Thing>("morph-more", plugin->things_, type));
    CommandOptions version;
    version.name = "zos.x.morph.version";
    TRELLIS_CHECK(host.AddCommand(version, [](Call&, std::string_view) -> Result<std::string> {
      return std::string("\"" MORPH_RELEASE "\"");
    }));
    return plugin;
  }

  MorphPlugin(Host const& host, std::string config)
      : host_(host), things_(host, std::move(config)) {}

  Result<void> Start(Call&) {
    TRELLIS_CHECK(Reach(host_.run_dir(), "start"));
    return host_.StorePut("started-by", MORPH_RELEASE);
  }
  Result<std::string> Health(Call&) {
    bool const good = Reach(host_.run_dir(), "health").has_value();
    return std::string(R"({"checks":[{"name":"mood","ok":)") + (good ? "true" : "false") +
           R"(,"message":"told to be bad"}]})";
  }

#if MORPH_VERSION > 1
  static Result<std::string> MigrateConfig(std::uint32_t from, std::string_view config) {
    auto text = std::string(config);
    auto const key = std::string(from == 1 ? "color" : "paint");
    auto const at = text.find(key);
    if (at == std::string::npos) return Fail(Code::kInvalid, "'{}' is missing", key);
    return text.replace(at, key.size(), from == 1 ? "paint" : "coat");
  }
  static Result<void> MigrateState(std::uint32_t, std::string_view state_dir) {
    std::filesystem::path const folder(state_dir);
    std::istringstream old(ReadAll(folder / "things"));
    std::ofstream made(folder / "things");
    std::string line;
    while (std::getline(old, line))
      made << "thing " << line << '\n';
    made.close();
    std::ofstream(folder / "new") << "of version 2\n";
    // Its own folders are all that it can find here.
    auto const run = folder.parent_path().parent_path().parent_path() / "run/plugins/morph";
    return Reach(run, "migrate");
  }
#endif

 private:
  Host host_;
  Things things_;
};

}  // namespace
}  // namespace trellis::morph

using trellis::morph::MorphPlugin;
TRELLIS_PLUGIN(MorphPlugin, "morph", MORPH_RELEASE)
