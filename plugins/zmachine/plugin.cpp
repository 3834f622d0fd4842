// Plugin `zmachine`: composition of hypervisor, monitor and provisioner.
#include "plugins/zmachine/manifest.hpp"
#include "plugins/zmachine/provisioner.hpp"

#include <trellis/health.hpp>
#include <trellis/sdk.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

namespace trellis::plugins::zmachine {
namespace {

constexpr std::uint32_t kRank = 500;
constexpr std::uint32_t kMaxParallel = 2;
constexpr int kConnectRetryMs = 200;

struct NodeView {
  std::uint64_t node_id = 0;
};
BOOST_DESCRIBE_STRUCT(NodeView, (), (node_id))

struct AccelAnswer {
  std::string accel;
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(AccelAnswer, (), (accel, reason))

struct HealthAnswer {
  std::vector<HealthCheck> checks;
  std::string accel;
  std::string accel_reason;
};
BOOST_DESCRIBE_STRUCT(HealthAnswer, (), (checks, accel, accel_reason))

std::int64_t UnixSeconds() {
  using std::chrono::duration_cast;
  auto const now = std::chrono::system_clock::now().time_since_epoch();
  return duration_cast<std::chrono::seconds>(now).count();
}

bool IsSameFile(int fd, std::string const& path) {
  struct stat open {};
  struct stat there {};
  return ::fstat(fd, &open) == 0 && ::stat(path.c_str(), &there) == 0 &&
         open.st_ino == there.st_ino && open.st_dev == there.st_dev;
}

HealthCheck FileCheck(std::string name, std::string const& path) {
  bool const there = ::access(path.c_str(), R_OK) == 0;
  return {std::move(name), there, there ? path : fmt::format("'{}' is missing", path)};
}

}  // namespace

class ZmachinePlugin {
 public:
  static constexpr char const* kManifest = kPluginManifest;
  static constexpr std::uint16_t kThreading = TRL_THREADING_PARALLEL;

  static Result<std::unique_ptr<ZmachinePlugin>> Create(Host const& host, Config const& config);
  ~ZmachinePlugin() {
    if (monitor_ != nullptr) monitor_->Stop();
  }
  ZmachinePlugin(ZmachinePlugin const&) = delete;
  ZmachinePlugin& operator=(ZmachinePlugin const&) = delete;
  ZmachinePlugin(ZmachinePlugin&&) = delete;
  ZmachinePlugin& operator=(ZmachinePlugin&&) = delete;

  Result<void> Start(Call& call);
  Result<void> Stop(Call&) {
    monitor_->Stop();
    return {};
  }
  Result<std::string> Health(Call&) const;

 private:
  struct LogFds {
    ReceivedFd folder;
    ReceivedFd file;
  };

  explicit ZmachinePlugin(Host const& host) : host_(host) {}
  void Compose(DomainOptions options);
  Result<void> Register();
  Result<void> Connect(Call const& call);
  Result<void> EnsureLibvirtd(Call const& call);
  Result<std::string> Serve(std::string_view method, std::string_view request,
                            std::vector<std::int32_t>& fds);
  Result<std::string> LogSource(std::string const& id, std::vector<std::int32_t>& fds);

  Host host_;
  Settings settings_;
  std::string embed_root_;  // "" = the system's libvirtd
  AccelReport accel_;
  std::mutex mutex_;
  std::map<std::string, LogFds> logs_;  // guarded by mutex_; kept open: replies only borrow them
  // Before the hypervisor: events may come until that has ended.
  std::unique_ptr<Monitor> monitor_;
  std::unique_ptr<Hypervisor> hypervisor_;
  std::optional<Machines> machines_;
  std::optional<MachineProvisioner> provisioner_;
};

Result<std::unique_ptr<ZmachinePlugin>> ZmachinePlugin::Create(Host const& host,
                                                               Config const& config) {
  std::unique_ptr<ZmachinePlugin> plugin(new ZmachinePlugin(host));
  TRELLIS_TRY(auto settings, config.As<Settings>());
  plugin->settings_ = FindPrograms(std::move(settings));
  NodeView node;
  if (!host.node().empty()) {
    TRELLIS_TRY(node, json::Parse<NodeView>(host.node()));
  }
  plugin->Compose({std::to_string(node.node_id), Accel::kTcg, plugin->settings_.tb_cache_mib,
                   plugin->settings_.virtiofsd});
  TRELLIS_CHECK(plugin->Register());
  return plugin;
}

void ZmachinePlugin::Compose(DomainOptions options) {
  if (UsesEmbed(settings_, host_.isolated()))
    embed_root_ =
        EmbedRoot(settings_.embed_root.empty() ? host_.run_dir() + "/lv" : settings_.embed_root);
  hypervisor_ = MakeLibvirt(embed_root_.empty() ? SystemLibvirt() : EmbedLibvirt(embed_root_),
                            [this](DomainEvent const& event) { monitor_->Post(event); });
  machines_.emplace(*hypervisor_, Machines::Folders{host_.state_dir(), host_.run_dir()},
                    std::move(options));
  monitor_ = std::make_unique<Monitor>(host_, *machines_, settings_, &UnixSeconds);
  provisioner_.emplace(host_, settings_, *machines_, *monitor_);
}

Result<void> ZmachinePlugin::Register() {
  TypeOptions type;
  type.rank = kRank;
  type.max_parallel = kMaxParallel;
  type.after = {"zmount", "qsfs", "network", "ip"};
  TRELLIS_CHECK(host_.RegisterType<Machine>("zmachine", *provisioner_, type));
  TRELLIS_CHECK(host_.RegisterService(
      services::kVmMachine, [this](Call&, std::string_view method, std::string_view request,
                                   std::span<std::int32_t const>, std::vector<std::int32_t>& fds) {
        return Serve(method, request, fds);
      }));
  CommandOptions command;
  command.name = "zos.zmachine.accel";
  command.flags = TRL_COMMAND_LOCAL;
  return host_.AddCommand(command, [this](Call&, std::string_view) -> Result<std::string> {
    return json::Dump(AccelAnswer{AccelName(accel_.accel), accel_.reason});
  });
}

Result<void> ZmachinePlugin::Start(Call& call) {
  accel_ = ChooseAccel(settings_);
  machines_->UseAccel(accel_.accel);
  host_.Info("machines run",
             {{"accel", AccelName(accel_.accel)}, {"reason", json::Encode(accel_.reason)}});
  if (!embed_root_.empty()) {
    TRELLIS_CHECK(PrepareEmbed(embed_root_));
    TRELLIS_CHECK(host_.StorePut("embed_root", embed_root_));
  }
  // The embedded driver is opened for the first machine: idle nodes stay small.
  if (embed_root_.empty() || !machines_->Known().empty()) TRELLIS_CHECK(Connect(call));
  monitor_->Start();
  return {};
}

Result<void> ZmachinePlugin::Connect(Call const& call) {
  auto connected = hypervisor_->Connect();
  if (connected || !embed_root_.empty() || settings_.manage_libvirtd != "auto") return connected;
  TRELLIS_CHECK(EnsureLibvirtd(call));
  while (!connected) {  // the daemons first look at what the emulators can do
    pollfd cancel{.fd = call.cancel_fd(), .events = POLLIN, .revents = 0};
    ::poll(&cancel, 1, kConnectRetryMs);
    TRELLIS_CHECK(call.Checkpoint());
    connected = hypervisor_->Connect();
  }
  return connected;
}

Result<void> ZmachinePlugin::EnsureLibvirtd(Call const& call) {
  TRELLIS_CHECK(PrepareSystemLibvirt());
  for (auto const* const name : {"virtlogd", "libvirtd"}) {
    ProcessSpec spec;
    spec.argv = {fmt::format("/usr/sbin/{}", name)};
    spec.env = {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}};
    TRELLIS_TRY(auto const started, host_.EnsureProcess(call, name, spec));
    (void)started;
  }
  return {};
}

Result<std::string> ZmachinePlugin::Health(Call&) const {
  HealthAnswer answer;
  answer.accel = AccelName(accel_.accel);
  answer.accel_reason = accel_.reason;
  answer.checks = {FileCheck("guest kernel", settings_.guest_kernel),
                   FileCheck("initramfs", settings_.initramfs),
                   FileCheck("virtiofsd", settings_.virtiofsd)};
  if (!embed_root_.empty() && !hypervisor_->connected()) {
    answer.checks.push_back({"libvirt", true, "opened for the first machine"});
    return json::Dump(answer);
  }
  auto const connected = hypervisor_->Connect();
  answer.checks.push_back({"libvirt", connected.has_value(),
                           connected ? std::string("connected") : connected.error().message});
  return json::Dump(answer);
}

Result<std::string> ZmachinePlugin::Serve(std::string_view method, std::string_view request,
                                          std::vector<std::int32_t>& fds) {
  TRELLIS_TRY(auto const asked, json::Parse<services::MachineRequest>(request));
  if (method == "log_source") return LogSource(asked.id, fds);
  if (method != "inspect") return Fail(Code::kUnsupported, "unknown method '{}'", method);
  TRELLIS_TRY(auto const info, provisioner_->Describe(asked.id));
  return json::Dump(info);
}

Result<std::string> ZmachinePlugin::LogSource(std::string const& id,
                                              std::vector<std::int32_t>& fds) {
  auto const known = machines_->Known();
  std::lock_guard const lock(mutex_);
  std::erase_if(logs_, [&known](auto const& entry) {
    return std::ranges::find(known, entry.first) == known.end();
  });
  if (std::ranges::find(known, id) == known.end())
    return Fail(Code::kNotFound, "no machine '{}'", id);
  auto const files = machines_->Files(id);
  auto& open = logs_[id];
  if (open.file.get() < 0 || !IsSameFile(open.file.get(), files.log())) {
    open.folder = ReceivedFd(::open(files.log_dir().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    open.file = ReceivedFd(::open(files.log().c_str(), O_RDONLY | O_CLOEXEC));
  }
  if (open.file.get() < 0 || open.folder.get() < 0)
    return Fail(Code::kIo, "open log of machine '{}'", id);
  fds = {open.folder.get(), open.file.get()};
  return json::Dump(services::MachineLog{files.log()});
}

}  // namespace trellis::plugins::zmachine

TRELLIS_PLUGIN(trellis::plugins::zmachine::ZmachinePlugin, "zmachine", "1.0.0")
