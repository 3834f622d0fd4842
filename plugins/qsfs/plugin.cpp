#include "plugins/common/data_only/provisioner.hpp"
#include "plugins/qsfs/data.hpp"

#include <trellis/sdk.hpp>

#include <memory>

namespace trellis::plugins::qsfs {

namespace {

class QsfsPlugin {
 public:
  static constexpr std::uint16_t kThreading = TRL_THREADING_PARALLEL;
  static constexpr char const* kManifest = R"({"manifest":1,"name":"qsfs","version":"1.0.0",
    "summary":"file systems over several nodes","license":"Apache-2.0",
    "services":{"provides":[],"requires":[],"wants":[]},
    "types":[{"name":"qsfs","sharable":false,"provision":false,"rank":200,"max_parallel":4,"update":true,"pause":false,"after":[]}],
    "permissions":[],"config":{"version":1,"schema":{"type":"object","additionalProperties":false}},
    "state":{"version":1}})";

  static Result<std::unique_ptr<QsfsPlugin>> Create(Host host, Config const&) {
    auto plugin = std::make_unique<QsfsPlugin>();
    TypeOptions options;
    options.rank = kRank;
    TRELLIS_CHECK(host.RegisterType<Qsfs>("qsfs", plugin->provisioner_, options));
    return plugin;
  }

 private:
  UpdatableDataOnlyProvisioner<Qsfs, QsfsResult> provisioner_;
};

}  // namespace

}  // namespace trellis::plugins::qsfs

TRELLIS_PLUGIN(trellis::plugins::qsfs::QsfsPlugin, "qsfs", "1.0.0")
