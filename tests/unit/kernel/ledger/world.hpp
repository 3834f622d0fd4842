// The small grid in an embedded ledger.
#pragma once

#include "kernel/ledger/embedded/embedded_ledger.hpp"
#include "tests/support/ledger_grid.hpp"
#include "tests/support/temp_dir.hpp"

namespace trellis::ledger {

class World : public ::testing::Test, protected LedgerGrid<EmbeddedLedger> {
 protected:
  void SetUp() override {
    Reopen();
    BuildGrid();
  }

  void Reopen() {
    ledger_.reset();
    EmbeddedOptions options;
    options.clock = &clock_;
    auto opened = EmbeddedLedger::Open(path(), options);
    ASSERT_TRUE(opened) << opened.error().message;
    ledger_ = *std::move(opened);
  }

  [[nodiscard]] std::filesystem::path path() const { return dir_ / "ledger.db"; }

  testing::TempDir dir_;
};

}  // namespace trellis::ledger
