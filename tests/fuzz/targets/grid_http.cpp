// HTTP requests of grid clients: the first line is path and query, the rest the body.
#include "kernel/ledger/facade/grid_service.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/support/temp_dir.hpp"

#include <algorithm>

namespace trellis::fuzz::grid_http {

namespace {

struct World {
  testing::TempDir dir;
  std::unique_ptr<ledger::EmbeddedLedger> ledger =
      ledger::EmbeddedLedger::Open(dir / "ledger.db").value();
  ledger::GridService service{*ledger, {"0", 1, {}}};
};

}  // namespace

void Run(std::string_view input);

void Run(std::string_view input) {
  static World world;
  auto const end = std::min(input.find('\n'), input.size());
  auto const target = input.substr(0, end);
  auto const body = input.substr(std::min(end + 1, input.size()));
  if (body.size() > ledger::kMaxGridBody) return;
  for (std::string_view const method : {"GET", "POST"}) {
    auto const reply = world.service.Answer({method, target, body});
    Require(!reply || reply->status < 500, "no request is the ledger's fault");
  }
  (void)world.service.Answer({"POST", "/graphql", body});
}

}  // namespace trellis::fuzz::grid_http
