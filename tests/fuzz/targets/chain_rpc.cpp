// JSON-RPC requests to the chain endpoint.
#include "kernel/ledger/facade/methods.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/support/temp_dir.hpp"

namespace trellis::fuzz::chain_rpc {

namespace {

struct World {
  testing::TempDir dir;
  std::unique_ptr<ledger::EmbeddedLedger> ledger =
      ledger::EmbeddedLedger::Open(dir / "ledger.db").value();
  std::unique_ptr<ledger::facade::Chain> chain = ledger::facade::Chain::Make(*ledger, {}).value();
};

}  // namespace

void Run(std::string_view input);

void Run(std::string_view input) {
  static World world;
  auto const request = json::ParseValue(input);
  auto const* const body = request ? request->if_object() : nullptr;
  auto const* const method = body == nullptr ? nullptr : body->if_contains("method");
  auto const* const params = body == nullptr ? nullptr : body->if_contains("params");
  if (method == nullptr || !method->is_string() || params == nullptr || !params->is_array()) return;
  auto const answer =
      ledger::facade::CallMethod(*world.chain, 0, method->get_string(), params->get_array());
  Require(answer || answer.error().code != ledger::facade::RpcCode::kInternal,
          "no request is the ledger's fault");
}

}  // namespace trellis::fuzz::chain_rpc
