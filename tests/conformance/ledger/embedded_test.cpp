// The embedded ledger passes the suite.
#include "kernel/ledger/embedded/embedded_ledger.hpp"
#include "tests/conformance/ledger/suite.hpp"
#include "tests/support/temp_dir.hpp"

namespace trellis::ledger {
namespace {

class EmbeddedPlace final : public Place {
 public:
  Result<std::unique_ptr<Ledger>> Open(Clock const& clock, Options const& options) override {
    EmbeddedOptions embedded;
    embedded.clock = &clock;
    embedded.allow_private_ips = options.allow_private_ips;
    TRELLIS_TRY(auto ledger, EmbeddedLedger::Open(dir_ / "ledger.db", embedded));
    return std::unique_ptr<Ledger>(std::move(ledger));
  }

 private:
  testing::TempDir dir_;
};

constexpr Adapter kEmbedded{.name = "embedded", .make = []() -> std::unique_ptr<Place> {
                              return std::make_unique<EmbeddedPlace>();
                            }};

INSTANTIATE_TEST_SUITE_P(Embedded, LedgerSuite, ::testing::Values(&kEmbedded));

}  // namespace
}  // namespace trellis::ledger
