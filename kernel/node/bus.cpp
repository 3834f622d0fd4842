#include "kernel/node/bus.hpp"

#include "kernel/base/log.hpp"
#include "kernel/crypto/e2e.hpp"
#include "kernel/node/bus_options.hpp"
#include "kernel/node/ledger_twins.hpp"
#include "kernel/rmb/frontend/frontend.hpp"
#include "kernel/rmb/peer.hpp"
#include "kernel/rmb/relay/relay.hpp"
#include "kernel/rmb/websocket_link.hpp"

#include <mutex>

namespace trellis::node {
namespace {

/// Writes the node's relay and encryption key to its twin when the ledger has others.
Result<void> Publish(Bus::Parts const& parts, std::string const& relay) {
  TRELLIS_TRY(auto const twin, parts.ledger.GetTwin(parts.key.twin));
  ledger::UpdateTwin update;
  update.relay = relay;
  if (parts.config.rmb.encrypt) {
    TRELLIS_TRY(auto const pk, crypto::PublicKeyOf(parts.key.seed.view()));
    update.pk.emplace();
    update.pk->bytes = pk;
  }
  if (twin.relay == update.relay && twin.pk == update.pk) return {};
  ledger::Caller caller;
  caller.twin = parts.key.twin;
  TRELLIS_CHECK(parts.ledger.Submit(caller, update));
  return {};
}

rmb::Outcome ToOutcome(engine::Answer answer) {
  if (answer) return {*std::move(answer), 0, {}};
  return {{}, static_cast<std::uint32_t>(answer.error().code), std::move(answer.error().message)};
}

/// Where the list front-end is, while it is there. Shared with the peer's handler.
struct FrontendSlot {
  std::mutex mutex;  // guards frontend, also while it is used
  std::unique_ptr<rmb::Frontend> frontend;

  bool Offer(rmb::IncomingRequest const& request, rmb::Reply const& reply) {
    std::lock_guard const lock(mutex);
    return frontend != nullptr && frontend->Offer(request, reply);
  }
  void Set(std::unique_ptr<rmb::Frontend> other) {
    std::lock_guard const lock(mutex);
    std::swap(frontend, other);
  }
};

/// The node's own commands come first; what it does not know may be a local service's.
rmb::Handler ServeWith(api::Router& router, std::shared_ptr<FrontendSlot> const& slot) {
  return [&router, slot](rmb::IncomingRequest request, rmb::Reply reply) {
    if (!router.Knows(request.command) && slot->Offer(request, reply)) return;
    api::Caller const caller{request.source.twin, /*local=*/false};
    router.CallHere(
        caller, request.command, std::move(request.payload),
        [reply = std::move(reply)](engine::Answer answer) { reply(ToOutcome(std::move(answer))); });
  };
}

}  // namespace

struct Bus::Running {
  Running(ledger::Ledger& ledger, engine::Engine* watcher, Clock const& clock)
      : directory(ledger),
        twins(directory, {}, clock),
        pool("verify", VerifierLimits()),
        engine(watcher) {
    if (engine == nullptr) return;
    engine->OnTwinChange([this](std::uint32_t twin) {
      if (twin == 0) return twins.Flush();
      twins.Forget(twin);
    });
  }
  ~Running() {
    if (engine != nullptr) engine->OnTwinChange({});
    lists->Set(nullptr);  // before the peer it uses
  }
  Running(Running const&) = delete;
  Running& operator=(Running const&) = delete;

  LedgerTwins directory;
  rmb::TwinCache twins;
  rmb::FairPool pool;
  engine::Engine* engine;
  std::unique_ptr<rmb::Relay> relay;
  std::unique_ptr<rmb::Peer> peer;  // ends before the relay it talks to
  std::shared_ptr<FrontendSlot> lists = std::make_shared<FrontendSlot>();
};

Bus::Bus(std::unique_ptr<Running> running) : running_(std::move(running)) {}
Bus::~Bus() = default;

Result<std::unique_ptr<Bus>> Bus::Start(Parts const& parts) {
  std::unique_ptr<Bus> bus(
      new Bus(std::make_unique<Running>(parts.ledger, parts.engine, parts.clock)));
  TRELLIS_CHECK(bus->Open(parts));
  return bus;
}

Result<void> Bus::Open(Parts const& parts) {
  if (parts.config.relay.enabled) {
    TRELLIS_CHECK(StartRelay(parts));
  }
  return StartPeer(parts);
}

Result<void> Bus::StartRelay(Parts const& parts) {
  TRELLIS_TRY(auto options, RelayOptionsOf(parts.config.relay));
  TRELLIS_TRY(running_->relay, rmb::Relay::Start(std::move(options),
                                                 {running_->twins, running_->pool, parts.clock}));
  relay_url_ = running_->relay->url();
  return {};
}

Result<void> Bus::StartPeer(Parts const& parts) {
  auto const& config = parts.config;
  rmb::Identity identity{parts.key.twin, std::nullopt, parts.key.signer, std::nullopt, {}};
  if (config.rmb.encrypt) identity.seed = parts.key.seed;
  std::vector<rmb::LinkMaker> links;
  std::string published;
  for (auto const& text : config.rmb.relays) {
    TRELLIS_TRY(auto url, rmb::ParseRelayUrl(text));
    published += (published.empty() ? "" : "_") + url.domain();
    links.push_back(rmb::WebSocketLink(std::move(url), identity));
    if (relay_url_.empty()) relay_url_ = text;
  }
  if (links.empty()) {
    links.push_back(rmb::LocalLink(*running_->relay, {parts.key.twin, std::nullopt}));
    auto const own = rmb::ParseRelayUrl(running_->relay->url());
    published = !config.relay.domains.empty() ? config.relay.domains.front()
                : own                         ? own->domain()
                                              : "";
  }
  publish_ = [parts, published] { return Publish(parts, published); };
  TRELLIS_CHECK(Tell());
  running_->peer =
      rmb::Peer::Start(links, std::move(identity), {running_->twins, running_->pool, parts.clock},
                       ServeWith(parts.router, running_->lists));
  if (!config.rmb.frontend.empty()) {
    TRELLIS_TRY(auto frontend,
                rmb::Frontend::Start({config.rmb.frontend}, *running_->peer, parts.clock));
    running_->lists->Set(std::move(frontend));
  }
  constexpr std::chrono::seconds kSoon(10);
  if (!publish_ && !running_->peer->WaitConnected(kSoon))
    log::Warn("the node is not connected to a relay yet, retrying", {{"relay", relay_url_}});
  return {};
}

/// A start needs no ledger: one that is away is told later.
Result<void> Bus::Tell() {
  if (!publish_) return {};
  auto told = publish_();
  if (told) {
    publish_ = {};
  } else if (told.error().code != Code::kUnavailable && told.error().code != Code::kTimeout) {
    return told;
  }
  return {};
}

void Bus::Tick() {
  if (auto const told = Tell(); !told)
    log::Error("the ledger does not take the node's relay, retrying", {{"error", told.error()}});
}

}  // namespace trellis::node
