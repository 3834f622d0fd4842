// An empty store of the present schema, inside a transaction that is never committed.
#pragma once

#include "kernel/store/records.hpp"
#include "kernel/store/schema.hpp"
#include "tests/support/store_rows.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace trellis::store {

class StoreFixture : public ::testing::Test {
 protected:
  StoreFixture() {
    database_ = Database::Open(dir_.path() / "trellis.db", Database::Mode::kReadWrite).value();
    EXPECT_TRUE(Migrate(*database_));
    EXPECT_TRUE(database_->Begin(Database::Transaction::kWrite));
  }

  void AddDeployment(DeploymentKey key) {
    DeploymentRow row;
    row.key = key;
    row.doc = "document";
    ASSERT_TRUE(PutDeployment(*database_, row));
  }
  void AddWorkload(DeploymentKey key, std::string name) {
    WorkloadRow row;
    row.key = key;
    row.name = std::move(name);
    row.type = "zmount";
    row.state = "init";
    ASSERT_TRUE(PutWorkload(*database_, row));
  }
  std::int64_t AddJobOf(DeploymentKey key, JobKind kind, std::string target = {}) {
    JobRow job;
    job.key = key;
    job.kind = kind;
    job.target = std::move(target);
    return AddJob(*database_, job).value();
  }

  static constexpr DeploymentKey kKey{7, 100};
  testing::TempDir dir_;
  std::unique_ptr<Database> database_;
};

}  // namespace trellis::store
