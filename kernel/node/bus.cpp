#include "kernel/node/bus.hpp"

#include "kernel/base/log.hpp"
#include "kernel/crypto/e2e.hpp"
#include "kernel/rmb/peer.hpp"
#include "kernel/rmb/relay/relay.hpp"

namespace trellis::node {
namespace {

/// Twins as the bus needs them, read from the ledger each time: the embedded one answers in
/// microseconds.
class LedgerTwins final : public rmb::TwinDirectory {
 public:
  explicit LedgerTwins(ledger::Ledger& ledger) : ledger_(ledger) {}

  Result<rmb::TwinInfo> Twin(std::uint32_t id) override {
    TRELLIS_TRY(auto const twin, ledger_.GetTwin(id));
    rmb::TwinInfo info;
    info.id = twin.id;
    info.account = twin.account.bytes;
    info.relay = twin.relay;
    if (twin.pk.has_value()) info.pk = twin.pk->bytes;
    return info;
  }

 private:
  ledger::Ledger& ledger_;
};

rmb::RelayOptions RelayOptionsOf(NodeConfig const& config, HostPort const& listen) {
  rmb::RelayOptions options;
  options.host = listen.host;
  options.port = listen.port;
  options.domains = config.relay_domains;
  options.jwt_leeway_s = config.relay_jwt_leeway_s;
  options.max_message = static_cast<std::size_t>(config.relay_max_message);
  options.max_sessions = static_cast<std::size_t>(config.relay_max_sessions);
  options.queues.messages = static_cast<std::size_t>(config.relay_queue_messages);
  options.queues.ttl_s = config.relay_queue_ttl_s;
  return options;
}

/// Writes the node's relay and encryption key to its twin when the ledger has others.
Result<void> Publish(NodeConfig const& config, NodeKey const& key, ledger::Ledger& ledger,
                     std::string const& domain) {
  TRELLIS_TRY(auto const twin, ledger.GetTwin(key.twin));
  ledger::UpdateTwin update;
  update.relay = config.relay_domains.empty() ? domain : config.relay_domains.front();
  if (config.encrypt) {
    TRELLIS_TRY(auto const pk, crypto::PublicKeyOf(key.seed.view()));
    update.pk.emplace();
    update.pk->bytes = pk;
  }
  if (twin.relay == update.relay && twin.pk == update.pk) return {};
  ledger::Caller caller;
  caller.twin = key.twin;
  TRELLIS_CHECK(ledger.Submit(caller, update));
  return {};
}

rmb::Outcome ToOutcome(engine::Answer const& answer) {
  if (answer) return {*answer, 0, {}};
  return {{}, static_cast<std::uint32_t>(answer.error().code), answer.error().message};
}

}  // namespace

struct Bus::Parts {
  explicit Parts(ledger::Ledger& ledger) : twins(ledger) {}
  LedgerTwins twins;
  std::unique_ptr<rmb::Relay> relay;
  std::unique_ptr<rmb::Peer> peer;
};

Bus::Bus(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Bus::~Bus() {
  parts_->peer.reset();  // before the relay it talks to
  parts_->relay.reset();
}

Result<std::unique_ptr<Bus>> Bus::Start(NodeConfig const& config, NodeKey const& key,
                                        ledger::Ledger& ledger, api::Router& router) {
  TRELLIS_TRY(auto const listen, ParseListen("relay.listen", config.relay_listen));
  auto parts = std::make_unique<Parts>(ledger);
  TRELLIS_TRY(parts->relay, rmb::Relay::Start(RelayOptionsOf(config, listen), parts->twins));
  auto const domain = fmt::format("{}:{}", listen.host, parts->relay->port());
  TRELLIS_CHECK(Publish(config, key, ledger, domain));
  rmb::Identity identity{key.twin, std::nullopt, key.signer, std::nullopt, {}};
  if (config.encrypt) identity.seed = key.seed;
  auto const serve = [&router](rmb::IncomingRequest request, rmb::Reply reply) {
    api::Caller const caller{request.source.twin, /*local=*/false};
    router.Call(
        caller, request.command, std::move(request.payload),
        [reply = std::move(reply)](engine::Answer const& answer) { reply(ToOutcome(answer)); });
  };
  TRELLIS_TRY(parts->peer,
              rmb::Peer::Start(parts->relay->url(), std::move(identity), parts->twins, serve));
  constexpr std::chrono::seconds kOwnRelay(10);
  if (!parts->peer->WaitConnected(kOwnRelay))
    log::Warn("the node is not connected to its own relay yet, retrying",
              {{"relay", parts->relay->url()}});
  return std::unique_ptr<Bus>(new Bus(std::move(parts)));
}

std::string Bus::relay_url() const {
  return parts_->relay->url();
}

}  // namespace trellis::node
