// Two workload types that do nothing, as fast or as slowly as they are told: `noop`, and
// `noop-shared`, which other deployments of the twin may refer to. What remains is the kernel.
#include <trellis/sdk.hpp>

#include <poll.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace trellis;  // NOLINT(google-build-using-namespace): a plugin is a program of its own

constexpr std::size_t kMaxResult = std::size_t{1} << 20;

/// `[plugin.noop.config]`
struct Options {
  std::size_t result_bytes = 2048;
  std::int32_t delay_ms = 0;     ///< of provision, update and deprovision
  std::uint64_t fail_every = 0;  ///< every n-th provision fails for good; 0 = none
  std::size_t more_types = 0;    ///< `noop-0`, `noop-1` and so on, like `noop`
};
BOOST_DESCRIBE_STRUCT(Options, (), (result_bytes, delay_ms, fail_every, more_types))

/// What the user writes: texts of any size, all of them signed.
struct Noop {
  std::string payload;
  std::map<std::string, std::string> settings;
  std::vector<std::string> uses;  ///< names of `noop-shared` workloads

  Result<void> Valid(WorkloadGetter const&) const {
    if (payload.empty()) return Invalid("payload", "the payload is empty");
    return {};
  }
  void Challenge(ChallengeWriter& out) const {
    out.Add(payload);
    for (auto const& [name, value] : settings) {
      out.Add(name);
      out.Add(value);
    }
    for (auto const& name : uses)
      out.Add(name);
  }
  trellis::Capacity Capacity() const { return {}; }
  std::vector<std::string> Dependencies() const { return uses; }
};
BOOST_DESCRIBE_STRUCT(Noop, (), (payload, settings, uses))

struct NoopResult {
  std::string filler;
};
BOOST_DESCRIBE_STRUCT(NoopResult, (), (filler))

/// Holds nothing, so that everything stored is always as it should be.
class NoopProvisioner {
 public:
  explicit NoopProvisioner(Options const& options) : options_(options) {
    constexpr std::size_t kAround = sizeof R"({"filler":""})" - 1;
    result_.filler.assign(options.result_bytes > kAround ? options.result_bytes - kAround : 0, 'r');
  }

  Result<Outcome<NoopResult>> Provision(Call& call, Workload<Noop> const&) {
    TRELLIS_CHECK(Delay(call));
    auto const number = ++provisions_;
    if (options_.fail_every != 0 && number % options_.fail_every == 0)
      return Fail(Code::kInvalid, "provision {} fails as configured", number);
    return Outcome<NoopResult>(result_);
  }
  Result<Outcome<NoopResult>> Update(Call& call, Workload<Noop> const&) {
    TRELLIS_CHECK(Delay(call));
    return Outcome<NoopResult>(result_);
  }
  Result<void> Deprovision(Call& call, Workload<Noop> const&) { return Delay(call); }
  Result<void> Pause(Call&, Workload<Noop> const&) { return {}; }
  Result<void> Resume(Call&, Workload<Noop> const&) { return {}; }
  Result<Observed> Inspect(Call&, Workload<Noop> const& workload) {
    return workload.paused ? Observed::Paused() : Observed::Running();
  }
  Result<std::vector<std::string>> ListOwned(Call&) { return std::vector<std::string>(); }

 private:
  Result<void> Delay(Call const& call) const {
    if (options_.delay_ms == 0) return {};
    pollfd cancelled{call.cancel_fd(), POLLIN, 0};
    (void)::poll(&cancelled, 1, options_.delay_ms);  // the result is asked for below
    return call.Checkpoint();
  }

  Options options_;
  NoopResult result_;
  std::atomic<std::uint64_t> provisions_{0};
};

class NoopPlugin {
 public:
  static constexpr std::uint16_t kThreading = TRL_THREADING_PARALLEL;
  static constexpr char const* kManifest =
      R"({"manifest":1,"name":"noop","version":"1.0.0","types":[{"name":"noop"},{"name":"noop-shared"}],
    "config":{"version":1,"schema":{"type":"object","additionalProperties":false,"properties":{
      "result_bytes":{"type":"integer","minimum":0,"maximum":1048576,"default":2048},
      "delay_ms":{"type":"integer","minimum":0,"default":0},
      "fail_every":{"type":"integer","minimum":0,"default":0},
      "more_types":{"type":"integer","minimum":0,"default":0}}}}})";

  static Result<std::unique_ptr<NoopPlugin>> Create(Host host, Config const& config) {
    TRELLIS_TRY(auto const options, config.As<Options>());
    if (options.result_bytes > kMaxResult)
      return Fail(Code::kInvalid, "result_bytes is {}, at most {}", options.result_bytes,
                  kMaxResult);
    auto plugin = std::make_unique<NoopPlugin>(options);
    TRELLIS_CHECK(host.RegisterType<Noop>("noop", plugin->provisioner_));
    TRELLIS_CHECK(host.RegisterSharableType<Noop>("noop-shared", plugin->provisioner_));
    for (std::size_t i = 0; i < options.more_types; ++i)
      TRELLIS_CHECK(host.RegisterType<Noop>(fmt::format("noop-{}", i), plugin->provisioner_));
    return plugin;
  }
  explicit NoopPlugin(Options const& options) : provisioner_(options) {}

 private:
  NoopProvisioner provisioner_;
};

}  // namespace

TRELLIS_PLUGIN(NoopPlugin, "noop", "1.0.0")
