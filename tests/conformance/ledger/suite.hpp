// The conformance suite of ledgers. An adapter passes it by instantiating LedgerSuite:
//   INSTANTIATE_TEST_SUITE_P(Embedded, LedgerSuite, ::testing::Values(&kEmbedded));
// Where Abilities says that a ledger cannot do something, the suite checks that it behaves as told
// there.
#pragma once

#include "kernel/ledger/hosted_ledger.hpp"
#include "tests/support/ledger_grid.hpp"

#include <functional>
#include <memory>
#include <ostream>

namespace trellis::ledger {

/// A ledger of its own for one test, empty at first.
class Place {
 public:
  Place() = default;
  virtual ~Place() = default;
  Place(Place const&) = delete;
  Place& operator=(Place const&) = delete;

  struct Options {
    bool allow_private_ips = true;
  };
  /// Opens it once more, as another process or machine would. `clock` is borrowed.
  virtual Result<std::unique_ptr<Ledger>> Open(Clock const& clock, Options const& options) = 0;
  /// What is behind an adapter that reaches somebody else's ledger: there administration is done,
  /// history and reports are seen. Null: what Open gives is the ledger itself. After the first
  /// Open.
  virtual HostedLedger* keeper() { return nullptr; }
  /// Returns when the events of all writes so far can be read.
  virtual void CatchUp(Ledger&) {}
};

struct Adapter {
  char const* name;
  std::unique_ptr<Place> (*make)();
};

inline void PrintTo(Adapter const* adapter, std::ostream* out) {
  *out << adapter->name;
}

/// The ledger under test, with the small grid in it.
class LedgerSuite : public ::testing::TestWithParam<Adapter const*>, protected LedgerGrid<Ledger> {
 protected:
  void SetUp() override {
    place_ = GetParam()->make();
    ASSERT_TRUE(place_);
    ledger_ = Another();
    ASSERT_TRUE(ledger_);
    abilities_ = ledger_->abilities();
    keeper_ = place_->keeper();
    if (keeper_ == nullptr) keeper_ = dynamic_cast<HostedLedger*>(ledger_.get());
    ASSERT_NE(keeper_, nullptr);
    BuildGrid();
  }
  void TearDown() override { ledger_.reset(); }

  /// The same ledger, opened again.
  std::unique_ptr<Ledger> Another(Place::Options const& options = {}) {
    auto opened = place_->Open(clock_, options);
    if (opened) return *std::move(opened);
    ADD_FAILURE() << opened.error().message;
    return nullptr;
  }

  /// What those who keep the ledger decide; the chain's name of the error, "" when it is done.
  std::string Decide(Call const& call) {
    auto const done = keeper_->Submit(Admin(), call);
    return done ? "" : NameOf(done.error());
  }

  static Caller Asking(std::string request) {
    return {.twin = kAlice, .admin = false, .request_id = std::move(request)};
  }
  /// A ledger that does not know request ids says so and does nothing.
  bool KnowsRequestIds() {
    if (abilities_.request_ids) return true;
    EXPECT_EQ(ledger_->Submit(Asking("r1"), Deploy(1)).error().code, Code::kUnsupported);
    EXPECT_EQ(ledger_->SubmitAll(Asking("r1"), {Deploy(1)}).error().code, Code::kUnsupported);
    EXPECT_EQ(ledger_->ContractByHash(kNode, Hash(1)).error().code, Code::kNotFound);
    return false;
  }

  std::vector<std::string> KindsAfter(std::uint64_t cursor) {
    place_->CatchUp(*ledger_);
    return LedgerGrid::KindsAfter(cursor);
  }
  std::uint64_t LastSeq() {
    place_->CatchUp(*ledger_);
    return LedgerGrid::LastSeq();
  }

  std::unique_ptr<Place> place_;
  HostedLedger* keeper_ = nullptr;
  Abilities abilities_;
};

}  // namespace trellis::ledger
