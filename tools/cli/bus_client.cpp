#include "tools/cli/bus_client.hpp"

#include "kernel/base/log.hpp"
#include "kernel/base/random.hpp"

namespace trellis::cli {

class BusClient::Twins final : public rmb::TwinDirectory {
 public:
  explicit Twins(ledger::Ledger& ledger) : ledger_(ledger) {}
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

BusClient::BusClient(LoadedKey key, std::uint32_t twin, std::unique_ptr<ledger::Ledger> ledger,
                     ControlClient control)
    : key_(std::move(key)),
      twin_(twin),
      ledger_(std::move(ledger)),
      control_(std::move(control)),
      twins_(std::make_unique<Twins>(*ledger_)) {}

BusClient::~BusClient() = default;

Result<std::unique_ptr<BusClient>> BusClient::Connect(GridDir const& grid, KeyFile const& key,
                                                      std::uint32_t node) {
  TRELLIS_TRY(auto control, ControlClient::Connect(grid.control_socket()));
  TRELLIS_TRY(auto const status, control.Call("local.status", nullptr));
  TRELLIS_TRY(auto ledger, grid.OpenLedger());
  TRELLIS_TRY(auto loaded, LoadKey(key));
  std::string const relay(status.at("relay").at("url").as_string());
  std::unique_ptr<BusClient> client(
      new BusClient(loaded, key.twin, std::move(ledger.ledger), std::move(control)));
  client->node_ = status.at("node_id").to_number<std::uint32_t>();
  client->node_twin_ = status.at("twin_id").to_number<std::uint32_t>();
  if (node != 0 && node != client->node_) {
    TRELLIS_TRY(auto const there, client->ledger_->GetNode(node));
    client->node_ = node;
    client->node_twin_ = there.twin_id;
    client->here_ = false;
  }
  log::SetLevel(log::Level::kError);  // who runs a command is told its outcome, not each retry
  rmb::Identity identity{key.twin, RandomUuid().substr(0, 8), loaded.signer, loaded.seed, {}};
  TRELLIS_TRY(client->peer_, rmb::Peer::Start(relay, std::move(identity), *client->twins_, {}));
  constexpr std::chrono::seconds kConnect(10);
  if (!client->peer_->WaitConnected(kConnect)) {
    return Fail(
        Code::kUnavailable,
        "the relay at '{}' does not accept twin {}: see 'trellis status' and the daemon's log",
        relay, key.twin);
  }
  return client;
}

Result<json::Value> BusClient::Call(std::string_view command, std::string_view payload) {
  constexpr std::chrono::seconds kLife(20);
  auto const answer = peer_->Call(node_twin_, command, payload, kLife);
  if (!answer) {
    auto error = answer.error().error;
    if (answer.error().remote_code == 404) error.code = Code::kNotFound;
    if (answer.error().remote_code == 503 || answer.error().remote_code == 429)
      error.code = Code::kUnavailable;
    return tl::unexpected<Error>(std::move(error));
  }
  return json::ParseValue(*answer);
}

}  // namespace trellis::cli
