#include "tools/cli/plugin_try.hpp"

#include "kernel/base/log.hpp"
#include "kernel/sys/errors.hpp"
#include "kernel/sys/files.hpp"
#include "tools/cli/grid_dir.hpp"
#include "tools/cli/plugin_bench.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>

#include <array>
#include <csignal>
#include <map>
#include <optional>

namespace trellis::cli {
namespace {

namespace fs = std::filesystem;

struct TypeSample {
  json::Raw data;
};
BOOST_DESCRIBE_STRUCT(TypeSample, (), (data))

/// The file that `trellis-conformance` takes too.
struct Samples {
  json::Raw config;
  std::map<std::string, TypeSample> types;
};
BOOST_DESCRIBE_STRUCT(Samples, (), (config, types))

/// A name without folder or suffix is that of a plugin of the grid.
Result<fs::path> FileOf(App const& app, std::string const& given) {
  if (given.find('/') != std::string::npos || given.ends_with(plugin::kPluginSuffix))
    return fs::path(given);
  TRELLIS_TRY(auto const grid, GridDir::Open(app.dir));
  return grid.settings().plugins_dir / (given + std::string(plugin::kPluginSuffix));
}

/// `@FILE` stands for what is in the file.
Result<std::string> TextOf(std::string const& given) {
  if (!given.starts_with('@')) return given;
  return sys::ReadFile(given.substr(1));
}

Result<BenchOptions> BenchOf(App const& app, TryOptions const& options) {
  BenchOptions bench;
  TRELLIS_TRY(bench.file, FileOf(app, options.file));
  TRELLIS_TRY(bench.config, TextOf(options.config));
  bench.grants = options.grants;
  bench.state = options.state;
  return bench;
}

std::string WordAt(std::vector<std::string> const& words, std::size_t index,
                   std::string const& fallback) {
  return index < words.size() ? words[index] : fallback;
}

Result<json::Value> Drive(PluginBench& bench, CallOptions const& options) {
  auto const& words = options.words;
  if (words.front() == "command") {
    TRELLIS_TRY(auto const payload, TextOf(WordAt(words, 2, "")));
    return bench.Command(WordAt(words, 1, ""), payload);
  }
  if (words.front() == "service") {
    TRELLIS_TRY(auto const body, TextOf(WordAt(words, 3, "{}")));
    return bench.Service(WordAt(words, 1, ""), WordAt(words, 2, ""), body);
  }
  Operation operation;
  operation.name = words.front();
  operation.type = WordAt(words, 1, "");
  TRELLIS_TRY(operation.data, TextOf(WordAt(words, 2, "{}")));
  TRELLIS_TRY(operation.previous, TextOf(options.previous));
  operation.handle = options.handle;
  operation.workload = options.workload;
  TRELLIS_TRY(auto answer, bench.Do(operation));
  return json::Value(std::move(answer));
}

// ---- dev ----

/// Ready when the file was written anew, or somebody wants to end.
class Watch {
 public:
  static Result<Watch> Open(fs::path const& file) {
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    // Before any thread is started, so that all inherit it.
    (void)::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    Watch watch(file.filename());
    watch.signals_ = sys::UniqueFd(::signalfd(-1, &ends, SFD_CLOEXEC));
    watch.changes_ = sys::UniqueFd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    auto const folder = fs::absolute(file).parent_path();
    if (!watch.signals_ || !watch.changes_ ||
        ::inotify_add_watch(watch.changes_.get(), folder.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO) < 0)
      return sys::Fail("watch", folder.string());
    return watch;
  }
  /// False: it is time to end.
  bool WaitForChange() {
    std::array<pollfd, 2> fds{{{signals_.get(), POLLIN, 0}, {changes_.get(), POLLIN, 0}}};
    while (true) {
      if (::poll(fds.data(), fds.size(), -1) < 0) continue;
      if (fds[0].revents != 0) return false;
      if (Changed()) return true;
    }
  }

 private:
  explicit Watch(std::string name) : name_(std::move(name)) {}
  /// Reads all that is there: one build writes the file more than once.
  bool Changed() {
    alignas(inotify_event) std::array<char, 4096> buffer{};
    bool changed = false;
    for (ssize_t got = 0; (got = ::read(changes_.get(), buffer.data(), buffer.size())) > 0;) {
      for (ssize_t at = 0; at < got;) {
        auto const* event = reinterpret_cast<inotify_event const*>(buffer.data() + at);
        changed = changed || name_ == event->name;
        at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      }
    }
    return changed;
  }

  std::string name_;
  sys::UniqueFd signals_;
  sys::UniqueFd changes_;
};

void Say(std::string_view text) {
  fmt::print("{}\n", text);
  (void)std::fflush(stdout);
}

/// The life of one workload, each operation a line.
Result<void> DriveType(PluginBench& bench, std::string const& type, std::string const& data) {
  std::string handle;
  Result<void> done;
  for (auto const* name : {"valid", "challenge", "capacity", "precheck", "provision", "inspect",
                           "list", "deprovision"}) {
    bool const removal = std::string_view(name) == "deprovision";
    if (!done && !removal) continue;  // what a half provision left is removed all the same
    auto const answer = bench.Do({name, type, data, removal ? data : "", handle});
    Say(fmt::format("  {:<12} {}", name,
                    answer ? boost::json::serialize(*answer) : "FAILED " + answer.error().message));
    if (!answer && done)
      done = Fail(answer.error().code, "{} of '{}': {}", name, type, answer.error().message);
    if (answer && answer->contains("handle") && !removal)
      handle = std::string(answer->at("handle").as_string());
  }
  return done;
}

Result<void> DriveAll(BenchOptions const& options, Samples const& samples) {
  TRELLIS_TRY(auto const bench, PluginBench::Open(options));
  auto const status = bench->Status();
  Say(fmt::format("{} {}: types {}, services {}", status.name, status.version,
                  fmt::join(status.types, " "), fmt::join(status.services, " ")));
  if (!status.not_granted.empty())
    Say(fmt::format("  not granted  {}", fmt::join(status.not_granted, " ")));
  Result<void> first;
  for (auto const& type : status.types) {
    auto const sample = samples.types.find(type);
    if (sample == samples.types.end()) continue;
    Say(type);
    auto done = DriveType(*bench, type, sample->second.data.text);
    if (first && !done) first = std::move(done);
  }
  for (auto const& line : bench->LastLines())
    Say("  log          " + line);
  return first;
}

/// The samples, and the configuration that stands in them unless another is given.
Result<Samples> ReadSamples(std::string const& file, BenchOptions& bench) {
  if (file.empty()) return Samples{};
  TRELLIS_TRY(auto const text, sys::ReadFile(file));
  auto samples = json::Parse<Samples>(text);
  if (!samples) return Fail(Code::kDecode, "'{}': {}", file, samples.error().message);
  if (bench.config == "{}" && !samples->config.text.empty()) bench.config = samples->config.text;
  return samples;
}

}  // namespace

Result<void> CallPlugin(App const& app, CallOptions const& options) {
  TRELLIS_CHECK(log::Configure(log::Format::kText, "/dev/null"));  // what it says comes below
  TRELLIS_TRY(auto const bench_options, BenchOf(app, options));
  TRELLIS_TRY(auto const bench, PluginBench::Open(bench_options));
  auto const answer = Drive(*bench, options);
  for (auto const& line : bench->LastLines())
    app.Progress(line);
  if (!answer) return tl::unexpected<Error>(answer.error());
  app.Print(*answer, boost::json::serialize(*answer) + "\n");
  return {};
}

Result<void> DevelopPlugin(App const& app, DevOptions const& options) {
  TRELLIS_TRY(auto const file, FileOf(app, options.file));
  TRELLIS_TRY(auto watch, Watch::Open(file));                      // before any thread
  TRELLIS_CHECK(log::Configure(log::Format::kText, "/dev/null"));  // what it says comes below
  while (true) {
    TRELLIS_TRY(auto bench, BenchOf(app, options));
    auto const samples = ReadSamples(options.samples, bench);
    auto const done =
        samples ? DriveAll(bench, *samples) : Result<void>(tl::unexpected<Error>(samples.error()));
    if (options.once) return done;
    if (!done) Say("FAILED " + done.error().message);
    Say(fmt::format("waiting for a new '{}' (Ctrl-C ends)", file.string()));
    if (!watch.WaitForChange()) return {};
  }
}

}  // namespace trellis::cli
