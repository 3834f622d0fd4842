#include "kernel/plugin/describe.hpp"

#include "kernel/plugin/inline_channel.hpp"
#include "kernel/plugin/no_kernel.hpp"
#include "kernel/sys/files.hpp"
#include "kernel/sys/process.hpp"

#include <unistd.h>

#include <cstdlib>

namespace trellis::plugin {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds kCreateLimit{30};

/// Between the processes: one of both.
struct Answer {
  std::optional<Description> description;
  std::string error;
};
BOOST_DESCRIBE_STRUCT(Answer, (), (description, error))

tl::unexpected<Error> NotHere() {
  return Fail(Code::kUnavailable, "the plugin is only being described");
}

/// A host that takes notes.
class RecordingBackend final : public HostBackend {
 public:
  explicit RecordingBackend(Description& notes) : notes_(notes) {}

  void Log(std::int32_t, std::string_view, std::string_view) override {}
  std::int32_t LogLevel() override { return TRL_LOG_ERROR; }
  void Progress(CallInfo const&, std::uint32_t, std::string_view) override {}

  Result<void> AddType(TypeInfo type) override {
    for (auto const& known : notes_.types) {
      if (known.name == type.name)
        return Fail(Code::kExists, "type '{}' is registered twice", type.name);
    }
    notes_.types.push_back({type.name, type.sharable, type.updatable, type.has_precheck,
                            type.pausable, type.rank, type.max_parallel, type.after});
    return {};
  }
  Result<void> AddService(std::string const& id) override {
    notes_.services.push_back(id);
    return {};
  }
  Result<void> AddCommand(CommandInfo command, std::vector<std::string> aliases) override {
    notes_.commands.push_back({command.name, command.auth, command.flags, command.max_payload,
                               command.timeout_ms, command.max_parallel, std::move(aliases)});
    return {};
  }
  Result<void> AddProvider(std::string const& kind, std::string const& name,
                           std::string const& options) override {
    notes_.providers.push_back({kind, name, options});
    return {};
  }

  Result<ServiceAnswer> CallService(CallInfo const&, std::string_view, std::string_view,
                                    std::string_view, std::span<int const>) override {
    return NotHere();
  }
  void Subscribe(std::string const&) override {}
  Result<void> Publish(std::string_view, std::string_view) override { return NotHere(); }
  std::uint64_t DefineMetric(std::int32_t, std::string_view, std::string_view,
                             std::string_view) override {
    return 0;
  }
  void RecordMetric(std::uint64_t, double) override {}
  Result<std::string> EnsureProcess(std::string_view, std::string_view, std::span<int const>,
                                    CallInfo const&) override {
    return NotHere();
  }
  Result<void> StopProcess(std::string_view, CallInfo const&) override { return NotHere(); }
  Result<std::string> ListProcesses(std::string_view) override { return NotHere(); }
  KernelServices& kernel() override { return kernel_; }
  [[nodiscard]] std::string_view plugin() const override { return notes_.name; }
  /// So that whatever is asked for is written down.
  [[nodiscard]] bool HasPermission(std::string_view) const override { return true; }
  [[nodiscard]] bool HasExtension(std::string_view id) const override {
    return id == TRL_EXT_COMMAND || id == TRL_EXT_PROVIDER;
  }

 private:
  Description& notes_;
  NoKernel kernel_{"this is no node"};
};

/// A folder that is gone with this object.
class Scratch {
 public:
  static Result<std::unique_ptr<Scratch>> Make() {
    std::error_code failed;
    auto pattern = (fs::temp_directory_path(failed) / "trellis-describe-XXXXXX").string();
    if (failed || ::mkdtemp(pattern.data()) == nullptr)
      return Fail(Code::kIo, "cannot make a folder like '{}'", pattern);
    return std::unique_ptr<Scratch>(new Scratch(pattern));
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Scratch(Scratch const&) = delete;
  Scratch& operator=(Scratch const&) = delete;
  [[nodiscard]] fs::path const& path() const { return path_; }

 private:
  explicit Scratch(fs::path path) : path_(std::move(path)) {}
  fs::path const path_;
};

}  // namespace

Result<Description> DescribeHere(fs::path const& file, DescribeFolders const& folders) {
  TRELLIS_TRY(auto library, Library::Open(file, Library::Trial::kNo));
  auto const& plugin = library->descriptor();
  Description notes;
  notes.name = plugin.name;
  notes.version = plugin.version;
  notes.manifest = plugin.manifest;
  notes.abi = {plugin.abi_major, plugin.abi_minor_built, plugin.abi_minor_required};
  notes.parallel = plugin.threading == TRL_THREADING_PARALLEL;
  notes.may_be_inline = (plugin.flags & TRL_PLUGIN_NO_INLINE) == 0;
  auto const channel = std::make_shared<InlineChannel>(
      std::move(library), std::make_unique<RecordingBackend>(notes), nullptr, nullptr);
  OpenSpec spec;
  spec.state_dir = folders.state_dir;
  spec.run_dir = folders.run_dir;
  spec.node = "{}";
  CallInfo call;
  call.deadline_ns = MonotonicNs() + std::chrono::nanoseconds(kCreateLimit).count();
  call.cancel = CancelToken::Make();
  auto const created = channel->Create(spec, call);
  if (created) channel->Destroy();
  if (!created)
    return Fail(created.error().code, "plugin '{}' could not be created: {}", notes.name,
                created.error().message);
  return notes;
}

Result<Description> DescribeApart(fs::path const& plugin_host, fs::path const& file) {
  TRELLIS_TRY(auto const scratch, Scratch::Make());
  DescribeFolders const folders(scratch->path());
  TRELLIS_CHECK(sys::EnsureDirectory(folders.state_dir, sys::kPrivateDirectory));
  TRELLIS_CHECK(sys::EnsureDirectory(folders.run_dir));
  TRELLIS_TRY(auto const text, sys::RunTool({plugin_host.string(), "--describe",
                                             fs::absolute(file).string(), scratch->path().string()},
                                            kCreateLimit));
  auto answer = json::Parse<Answer>(text);
  if (!answer)
    return Fail(Code::kInternal, "plugin '{}' ended the process that described it",
                NameOfFile(file));
  if (!answer->description.has_value())
    return tl::unexpected<Error>(Error{Code::kInvalid, std::move(answer->error)});
  return *std::move(answer->description);
}

std::string DescriptionText(Result<Description> const& found) {
  if (found) return json::Dump(Answer{*found, {}});
  return json::Dump(Answer{std::nullopt, found.error().message});
}

}  // namespace trellis::plugin
