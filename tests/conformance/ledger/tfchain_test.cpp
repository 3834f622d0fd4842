// The TFChain adapter passes the suite, on this project's own façade of an embedded ledger, which
// speaks the chain's protocol.
#include "kernel/ledger/facade/facade.hpp"
#include "kernel/ledger/tfchain/tfchain_ledger.hpp"
#include "tests/conformance/ledger/suite.hpp"
#include "tests/support/patience.hpp"
#include "tests/support/temp_dir.hpp"

#include <map>

namespace trellis::ledger {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kSeqPlaceBits = 16;  // an event's number: its block, and its place there
constexpr std::uint8_t kKeys = 8;

/// A chain's node.
struct House {
  std::unique_ptr<EmbeddedLedger> ledger;
  std::unique_ptr<Facade> facade;
};

class TfchainPlace final : public Place {
 public:
  Result<std::unique_ptr<Ledger>> Open(Clock const& clock, Options const& options) override {
    TRELLIS_TRY(auto const* const house, Build(clock, options));
    TfchainOptions chain;
    chain.urls = {house->facade->url()};
    chain.patience = testing::kPatience;
    for (std::uint8_t key = 1; key <= kKeys; ++key)
      chain.signers.push_back(SignerOf(key));
    TRELLIS_TRY(auto ledger, TfchainLedger::Open(std::move(chain)));
    return std::unique_ptr<Ledger>(std::move(ledger));
  }
  HostedLedger* keeper() override { return houses_.at(true).ledger.get(); }
  /// Events are those of final blocks.
  void CatchUp(Ledger& ledger) override {
    for (;;) {
      auto const head = ledger.GetHead();
      ASSERT_TRUE(head) << head.error().message;
      if (head->last_seq >> kSeqPlaceBits >= head->height) return;
      ASSERT_TRUE(ledger.Wait(head->last_seq, testing::kPatience).value());
    }
  }

 private:
  /// One chain, and a node of it for each set of options.
  Result<House const*> Build(Clock const& clock, Options const& options) {
    auto& house = houses_[options.allow_private_ips];
    if (house.facade != nullptr) return &house;
    EmbeddedOptions embedded;
    embedded.clock = &clock;
    embedded.allow_private_ips = options.allow_private_ips;
    TRELLIS_TRY(house.ledger, EmbeddedLedger::Open(dir_ / "ledger.db", embedded));
    FacadeOptions facade;
    facade.admin_twins = {kFarmer};
    facade.finality = 20ms;
    TRELLIS_TRY(house.facade, Facade::Start(std::move(facade), *house.ledger));
    return &house;
  }

  testing::TempDir dir_;
  std::map<bool, House> houses_;
};

constexpr Adapter kTfchain{.name = "tfchain", .make = []() -> std::unique_ptr<Place> {
                             return std::make_unique<TfchainPlace>();
                           }};

INSTANTIATE_TEST_SUITE_P(Tfchain, LedgerSuite, ::testing::Values(&kTfchain));

}  // namespace
}  // namespace trellis::ledger
