// Plugin `zlogs`: composition, configuration and what clients may ask.
#include "plugins/common/posix/programs.hpp"
#include "plugins/zlogs/provisioner.hpp"

#include <trellis/sdk.hpp>

#include <unistd.h>

#include <memory>

namespace trellis::plugins::zlogs {

namespace {

constexpr std::uint32_t kMaxParallel = 4;

struct Check {
  std::string name;
  bool ok = true;
  std::string message;
};
BOOST_DESCRIBE_STRUCT(Check, (), (name, ok, message))
struct Checks {
  std::vector<Check> checks;
};
BOOST_DESCRIBE_STRUCT(Checks, (), (checks))

class ZLogsPlugin {
 public:
  static constexpr std::uint16_t kThreading = TRL_THREADING_PARALLEL;
  static constexpr char const* kManifest = R"json({"manifest":1,"name":"zlogs","version":"1.0.0",
    "summary":"streams of machine logs","license":"Apache-2.0",
    "services":{"provides":[],"requires":["trellis.vm.machine/1","trellis.net.namespace/1"],"wants":[]},
    "types":[{"name":"zlogs","sharable":false,"rank":600,"max_parallel":4,"update":false,"pause":true,"after":["zmachine"]}],
    "permissions":["process.spawn"],
    "config":{"version":1,"schema":{"type":"object","additionalProperties":false,"properties":{
      "tail":{"type":"integer","minimum":0,"maximum":1048576,"default":8192,"description":"bytes of history that a new stream begins with"},
      "chunk":{"type":"integer","minimum":512,"maximum":65000,"default":8192,"description":"largest piece that is sent at once, bytes"},
      "coalesce_ms":{"type":"integer","minimum":0,"maximum":10000,"default":50,"description":"how long a smaller piece waits for more, milliseconds"},
      "compression":{"enum":["gzip","none"],"default":"gzip","description":"each piece as a gzip member, or as it is"},
      "lag_limit":{"type":"integer","minimum":65536,"default":4194304,"description":"unsent bytes above which a stream skips forward"},
      "lag_keep":{"type":"integer","minimum":0,"default":1048576,"description":"unsent bytes that are left then"},
      "rate":{"type":"integer","minimum":1024,"default":1048576,"description":"bytes of log per second and stream"},
      "connect_timeout_s":{"type":"integer","minimum":1,"maximum":300,"default":10,"description":"time for a connection, seconds"},
      "write_timeout_s":{"type":"integer","minimum":1,"maximum":300,"default":30,"description":"time until a piece is accepted, seconds"},
      "backoff_max_s":{"type":"integer","minimum":1,"maximum":3600,"default":15,"description":"longest pause between two tries, seconds"},
      "ping_s":{"type":"integer","minimum":1,"maximum":3600,"default":20,"description":"websockets: silence after which the peer is pinged, seconds"},
      "tls_verify":{"type":"boolean","default":true,"description":"wss: the peer needs a certificate for its name"},
      "ca_file":{"type":"string","default":"","description":"wss: authorities beside those of the system"},
      "nameservers":{"type":"array","items":{"type":"string"},"default":[],"description":"who is asked for the names of peers; empty: as the machines of the network"},
      "max_streams_per_machine":{"type":"integer","minimum":1,"maximum":1000,"default":8,"description":"streams of one machine"},
      "user":{"type":"string","default":"nobody","description":"user that streamers run as"},
      "program":{"type":"string","default":"","description":"program of a streamer; empty: the one of this installation"}}}},
    "state":{"version":1}})json";

  ZLogsPlugin(Host const& host, Settings const& settings)
      : program_(settings.program), provisioner_(host, settings) {}

  static Result<std::unique_ptr<ZLogsPlugin>> Create(Host host, Config const& config) {
    TRELLIS_TRY(auto settings, config.As<Settings>());
    if (settings.program.empty()) settings.program = OwnProgram("trellis-logstream");
    auto plugin = std::make_unique<ZLogsPlugin>(host, settings);
    TypeOptions options;
    options.rank = kRank;
    options.max_parallel = kMaxParallel;
    options.after = {"zmachine"};
    TRELLIS_CHECK(host.RegisterType<ZLogs>("zlogs", plugin->provisioner_, options));
    auto* const provisioner = &plugin->provisioner_;
    TRELLIS_CHECK(host.AddProvider(
        "info", "stream", "",
        [provisioner](Call&, std::string_view request) { return provisioner->Info(request); }));
    TRELLIS_CHECK(host.AddProvider(
        "health", "stream", "",
        [provisioner](Call&, std::string_view request) { return provisioner->Health(request); }));
    return plugin;
  }

  Result<std::string> Health(Call&) const {
    bool const there = ::access(program_.c_str(), X_OK) == 0;
    return json::Dump(
        Checks{{{"streamer", there, there ? program_ : fmt::format("'{}' is missing", program_)}}});
  }

 private:
  std::string program_;
  ZLogsProvisioner provisioner_;
};

}  // namespace

}  // namespace trellis::plugins::zlogs

TRELLIS_PLUGIN(trellis::plugins::zlogs::ZLogsPlugin, "zlogs", "1.0.0")
