#include "kernel/node/relay_alone.hpp"

#include "kernel/base/log.hpp"
#include "kernel/node/bus_options.hpp"

#include <cstdio>

namespace trellis::node {

RelayAlone::RelayAlone(std::unique_ptr<ledger::Ledger> ledger)
    : ledger_(std::move(ledger)),
      directory_(*ledger_),
      twins_(directory_, {}, clock_),
      pool_("verify", VerifierLimits()) {}

Result<std::unique_ptr<Daemon>> RelayAlone::Open(NodeConfig const& config) {
  std::error_code missing;
  if (config.ledger.backend == ledger::Backend::kEmbedded &&
      !std::filesystem::exists(config.ledger.path, missing))
    return Fail(Code::kNotFound, "the ledger '{}' does not exist: name it with --ledger",
                config.ledger.path.string());
  TRELLIS_TRY(auto opened, ledger::OpenLedger(config.ledger));
  std::unique_ptr<RelayAlone> alone(new RelayAlone(std::move(opened.ledger)));
  alone->watch_ =
      std::make_unique<TwinWatch>(*alone->ledger_, [&twins = alone->twins_](std::uint32_t twin) {
        if (twin == 0) return twins.Flush();
        twins.Forget(twin);
      });
  TRELLIS_TRY(auto relay_options, RelayOptionsOf(config.relay));
  TRELLIS_TRY(alone->relay_, rmb::Relay::Start(std::move(relay_options),
                                               {alone->twins_, alone->pool_, alone->clock_}));
  fmt::print("relay {}\n", alone->relay_->url());
  (void)std::fflush(stdout);
  log::Info("relay is ready", {{"relay", alone->relay_->url()}});
  return std::unique_ptr<Daemon>(std::move(alone));
}

}  // namespace trellis::node
