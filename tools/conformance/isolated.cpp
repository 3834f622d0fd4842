// The same plugin in a helper process (trellis-plugin-host), as nodes run it.
#include "kernel/plugin/helper/process_channel.hpp"
#include "tools/conformance/backend.hpp"
#include "tools/conformance/hostile.hpp"
#include "tools/conformance/subject.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

namespace trellis::conformance {

namespace {

constexpr std::int64_t kCallLimitNs = 30'000'000'000;
constexpr int kDeathLimitMs = 10'000;

/// Those of the manifest: nodes grant them to a signed plugin.
std::vector<std::string> AskedPermissions(Setting const& setting, Probe& probe) {
  Subject const subject(setting, probe);
  auto const manifest = json::ParseValue(subject.descriptor().manifest);
  std::vector<std::string> asked;
  if (!manifest || !manifest->is_object()) return asked;
  auto const* list = manifest->get_object().if_contains("permissions");
  if (list != nullptr && !json::Decode(*list, asked)) asked.clear();
  return asked;
}

/// The plugin's helpers, one after another, and what outlives them.
class Helpers {
 public:
  Helpers(Setting const& setting, Probe& probe) : setting_(setting), probe_(probe) {
    auto loop = plugin::HelperLoop::Open();
    if (!loop) probe.Fail(loop.error().message, "a machine to run on");
    loop_ = *std::move(loop);
    name_ = std::filesystem::path(setting.file).filename().string();
    name_ = name_.substr(0, name_.find('.'));
    dir_ = std::filesystem::temp_directory_path() / "isolated";
    std::filesystem::create_directories(dir_ / "state");
    std::filesystem::create_directories(dir_ / "run");
  }
  ~Helpers() { Leave(); }
  Helpers(Helpers const&) = delete;
  Helpers& operator=(Helpers const&) = delete;

  plugin::PluginChannel& channel() { return *channel_; }
  [[nodiscard]] std::vector<std::string> const& types() const { return types_; }
  static plugin::CallInfo Call() {
    plugin::CallInfo call;
    call.id = 1;
    call.deadline_ns = plugin::MonotonicNs() + kCallLimitNs;
    call.contract = 9;
    call.twin = 7;
    return call;
  }

  /// A new helper, with the plugin created in it.
  void Create() {
    probe_.At("starting trellis-plugin-host");
    plugin::HelperOptions options;
    options.host = setting_.plugin_host;
    options.name = name_;
    options.file = setting_.file;
    options.permissions = AskedPermissions(setting_, probe_);
    options.state_dir = (dir_ / "state").string();
    options.run_dir = (dir_ / "run").string();
    auto channel = plugin::ProcessChannel::Open(std::move(options), *loop_, threads_);
    if (!channel)
      probe_.Fail(
          fmt::format("the plugin does not start in a helper process: {}", channel.error().message),
          "it loads in trellis-plugin-host as it does here");
    channel_ = *std::move(channel);
    types_.clear();
    channel_->Attach(std::make_unique<MemoryBackend>(name_, store_, setting_.samples, types_),
                     [](std::string const&) {});
    plugin::OpenSpec spec;
    spec.config = setting_.samples.ConfigText();
    spec.state_dir = (dir_ / "state").string();
    spec.run_dir = (dir_ / "run").string();
    spec.node =
        R"({"node_id":1,"farm_id":1,"twin_id":1,"public_key":"","region":"","boot_id":"b","public_config":null})";
    spec.flags = TRL_OPEN_ISOLATED;
    probe_.At("create in a helper process");
    Must(channel_->Create(spec, Call()), "create");
    std::sort(types_.begin(), types_.end());
  }
  void Start() {
    probe_.At("start in a helper process");
    Must(channel_->Start(Call()), "start");
  }
  /// As a crash would.
  void Kill() {
    int const file = static_cast<int>(::syscall(SYS_pidfd_open, channel_->pid(), 0));
    (void)::kill(channel_->pid(), SIGKILL);
    pollfd gone{file, POLLIN, 0};
    (void)::poll(&gone, 1, kDeathLimitMs);
    ::close(file);
    Leave();
  }
  void Must(Result<void> const& done, char const* what) {
    if (!done)
      probe_.Fail(fmt::format("{} in a helper process failed: {}", what, done.error().message),
                  "what works in one process works in two");
  }

 private:
  void Leave() {
    if (channel_ != nullptr) channel_->Unwatch();
    channel_.reset();
  }

  Setting const& setting_;
  Probe& probe_;
  std::string name_;
  std::filesystem::path dir_;
  plugin::MemoryKernel store_{"there is no deployment in this check"};
  std::vector<std::string> types_;
  std::unique_ptr<plugin::HelperLoop> loop_;
  plugin::CallThreads threads_;
  std::shared_ptr<plugin::ProcessChannel> channel_;
};

std::vector<std::string> TypeNames(Subject const& subject) {
  std::vector<std::string> names;
  for (auto const& type : subject.types())
    names.push_back(type.name);
  return names;  // a map gave them in order
}

void StartsInAHelper(Setting const& setting, Probe& probe) {
  Helpers helpers(setting, probe);
  helpers.Create();
  Subject subject(setting, probe);
  subject.MustCreate();
  probe.Expect(helpers.types() == TypeNames(subject),
               fmt::format("it registered {} types in a helper process and {} in this one",
                           helpers.types().size(), subject.types().size()),
               "the same types wherever it is hosted");
}

std::string AsText(trl_status status, std::string const& challenge, Capacity const& capacity) {
  return fmt::format("status {}, challenge '{}', capacity {} {} {} {} {}", status, Shown(challenge),
                     capacity.cru, capacity.sru, capacity.hru, capacity.mru, capacity.ipv4u);
}

std::string Here(Type const& type, std::string const& data) {
  Sink out;
  Sink err;
  trl_capacity raw{};
  raw.size = sizeof raw;
  auto status = type.ops->challenge(type.self, abi::Bytes(data), out.sink(), err.sink());
  auto const second = type.ops->capacity(type.self, abi::Bytes(data), &raw, err.sink());
  if (status >= 0) status = second;
  if (status < 0) return fmt::format("status {}", status);
  return AsText(
      status, out.text,
      {.cru = raw.cru, .sru = raw.sru, .hru = raw.hru, .mru = raw.mru, .ipv4u = raw.ipv4u});
}

void AnswersTheSameInAHelper(Setting const& setting, Probe& probe) {
  Helpers helpers(setting, probe);
  helpers.Create();
  Subject subject(setting, probe);
  subject.MustCreate();
  for (auto const& type : subject.types()) {
    auto list = HostileData(type.data);
    list.push_back(type.data.empty() ? "{}" : type.data);
    for (auto const& data : list) {
      probe.At("examining {} in a helper process", Shown(data));
      auto const apart =
          helpers.channel().Examine(Helpers::Call(), type.name, data, /*check_valid=*/false);
      auto const there = apart.status < 0 ? fmt::format("status {}", apart.status)
                                          : AsText(apart.status, apart.challenge, apart.capacity);
      auto const here = Here(type, data);
      probe.Expect(
          there == here,
          fmt::format("with {} of '{}' it answered {} in a helper process and {} in this one",
                      Shown(data), type.name, there, here),
          "the same challenge, capacity and status wherever it is hosted");
    }
  }
}

plugin::OpRequest RequestOf(std::string const& type, std::string const& data) {
  plugin::OpRequest request;
  request.twin = 7;
  request.contract = 9;
  request.id = "7-9-sample";
  request.name = "sample";
  request.type = type;
  request.data = data;
  return request;
}

void ComesBackAfterAKill(Setting const& setting, Probe& probe) {
  Helpers helpers(setting, probe);
  helpers.Create();
  helpers.Start();
  for (auto const& type : helpers.types()) {
    auto request = RequestOf(type, setting.samples.DataOf(type));
    probe.Expect(!request.data.empty(), fmt::format("there is no sample of type '{}'", type),
                 "--samples FILE with data of every type");
    probe.At("provision of '{}' in a helper process", type);
    auto const up = helpers.channel().Run(plugin::Op::kProvision, Helpers::Call(), request);
    probe.Expect(up.status >= 0,
                 fmt::format("provision of '{}' in a helper process answered {}: {}", type,
                             StatusName(up.status), up.error),
                 "OK for the sample");
    helpers.Kill();
    helpers.Create();
    helpers.Start();
    auto const kept = helpers.channel().ListOwned(Helpers::Call(), type);
    bool const sound = kept && std::all_of(kept->begin(), kept->end(),
                                           [&](auto const& id) { return id == request.id; });
    probe.Expect(
        sound,
        fmt::format("after its process was killed list_owned of '{}' is not at most the one id",
                    type),
        "what is really there, from the real system");
    request.retry = true;
    auto const down = helpers.channel().Run(plugin::Op::kDeprovision, Helpers::Call(), request);
    probe.Expect(down.status >= 0,
                 fmt::format("after its process was killed deprovision of '{}' answered {}: {}",
                             type, StatusName(down.status), down.error),
                 "OK: deprovision clears what any earlier process left");
    auto const left = helpers.channel().ListOwned(Helpers::Call(), type);
    probe.Expect(
        left && left->empty(),
        fmt::format("what '{}' made before its process was killed is still there after deprovision",
                    type),
        "deprovision clears what any earlier process left");
  }
}

}  // namespace

std::vector<Check> IsolatedChecks() {
  return {
      {"C28", "it starts in a helper process", Needs::kCreate, StartsInAHelper},
      {"C29", "it answers the same in a helper process", Needs::kCreate, AnswersTheSameInAHelper},
      {"C30", "a killed helper process loses nothing", Needs::kEffects, ComesBackAfterAKill},
  };
}

}  // namespace trellis::conformance
