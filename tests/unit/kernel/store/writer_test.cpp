#include "kernel/store/writer.hpp"

#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace trellis::store {
namespace {

Writer::Work Insert(std::int64_t id) {
  return [id](Database& db) -> Result<void> {
    TRELLIS_TRY(auto* insert, db.Cached("INSERT INTO t VALUES (?1)"));
    return insert->BindAll(id).Run();
  };
}

class WriterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Database::Open(dir_ / "w.db", Database::Mode::kReadWrite);
    ASSERT_TRUE(opened) << opened.error().message;
    ASSERT_TRUE((*opened)->Exec("CREATE TABLE t (id INTEGER PRIMARY KEY)"));
    writer_ = Writer::Start(*std::move(opened), "store");
  }

  void Restart(WriterOptions options) {
    writer_.reset();
    auto opened = Database::Open(dir_ / "w.db", Database::Mode::kReadWrite);
    ASSERT_TRUE(opened) << opened.error().message;
    writer_ = Writer::Start(*std::move(opened), "store", std::move(options));
  }

  std::int64_t CountRows() {
    auto db = Database::Open(dir_ / "w.db", Database::Mode::kReadOnly);
    auto count = (*db)->Prepare("SELECT count(*) FROM t");
    return count->Step().value() ? count->Int(0) : -1;
  }

  testing::TempDir dir_;
  std::unique_ptr<Writer> writer_;
};

TEST_F(WriterTest, CommitsWhatWaitsInOneTransaction) {
  std::promise<void> begun;
  std::promise<void> gate;
  auto opened = gate.get_future();
  auto first = writer_->Submit([&](Database& db) -> Result<void> {
    begun.set_value();
    opened.wait();
    return Insert(1)(db);
  });
  begun.get_future().wait();  // its transaction takes no other work any more
  std::int64_t seen_by_last = 0;
  auto second = writer_->Submit(Insert(2));
  auto third = writer_->Submit(Insert(3));
  auto last = writer_->Submit([&](Database&) -> Result<void> {
    seen_by_last = CountRows();  // another connection: rows 2 and 3 are not committed yet
    return {};
  });

  gate.set_value();

  EXPECT_TRUE(first.get());
  EXPECT_TRUE(second.get());
  EXPECT_TRUE(third.get());
  EXPECT_TRUE(last.get());
  EXPECT_EQ(writer_->counters().commits, 2U);
  EXPECT_EQ(writer_->counters().works, 4U);
  EXPECT_GE(writer_->counters().pages, 1U);
  EXPECT_EQ(seen_by_last, 1);
  EXPECT_EQ(CountRows(), 3);
}

TEST_F(WriterTest, RollsBackOnlyTheWorkThatFailed) {
  auto good = writer_->Submit(Insert(1));
  auto bad = writer_->Submit([](Database& db) -> Result<void> {
    TRELLIS_CHECK(Insert(2)(db));
    return Fail(Code::kDenied, "no");
  });
  auto twice = writer_->Submit(Insert(1));
  auto after = writer_->Submit(Insert(3));

  EXPECT_TRUE(good.get());
  EXPECT_EQ(bad.get().error().code, Code::kDenied);
  EXPECT_EQ(twice.get().error().code, Code::kConflict);
  EXPECT_TRUE(after.get());
  EXPECT_EQ(CountRows(), 2);
}

TEST_F(WriterTest, GivesEveryWorkTheErrorOfAFailedCommit) {
  ASSERT_TRUE(writer_->Commit([](Database& db) {
    return db.Exec("CREATE TABLE child (id INTEGER REFERENCES t DEFERRABLE INITIALLY DEFERRED)");
  }));
  auto const dangling =
      writer_->Commit([](Database& db) { return db.Exec("INSERT INTO child VALUES (99)"); });

  EXPECT_FALSE(dangling);
  EXPECT_TRUE(writer_->Commit(Insert(5)));
  EXPECT_EQ(CountRows(), 1);
}

TEST_F(WriterTest, CommitsWhatWaitsBeforeItStops) {
  std::vector<std::future<Result<void>>> futures;
  for (std::int64_t id = 1; id <= 100; ++id)
    futures.push_back(writer_->Submit(Insert(id)));

  writer_.reset();

  EXPECT_EQ(CountRows(), 100);
}

TEST_F(WriterTest, ServesManyThreads) {
  constexpr std::int64_t kThreads = 8;
  constexpr std::int64_t kEach = 50;
  std::atomic<int> failed = 0;
  {
    std::vector<std::jthread> threads;
    for (std::int64_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (std::int64_t i = 0; i < kEach; ++i)
          failed += writer_->Commit(Insert(t * kEach + i)) ? 0 : 1;
      });
    }
  }

  EXPECT_EQ(failed, 0);
  EXPECT_EQ(CountRows(), kThreads * kEach);
}

TEST_F(WriterTest, TellsTheCallbackWhenTheWorkIsDurable) {
  std::promise<std::int64_t> told;
  writer_->SubmitThen(
      Insert(1), [&](Result<void> const& outcome) { told.set_value(outcome ? CountRows() : -1); });

  EXPECT_EQ(told.get_future().get(), 1);
}

TEST_F(WriterTest, LetsWorkWithoutHurryRideWithTheNext) {
  Restart({.soon = std::chrono::hours(1)});
  std::atomic<int> done = 0;
  for (std::int64_t id = 1; id <= 9; ++id) {
    writer_->SubmitThen(
        Insert(id), [&](Result<void> const& outcome) { done += outcome ? 1 : 0; },
        Writer::Urgency::kSoon);
  }
  EXPECT_EQ(writer_->counters().commits, 0U);

  ASSERT_TRUE(writer_->Commit(Insert(10)));

  EXPECT_EQ(done, 9);
  EXPECT_EQ(writer_->counters().commits, 1U);
  EXPECT_EQ(writer_->counters().works, 10U);
}

TEST_F(WriterTest, CommitsWorkWithoutHurryInTheEnd) {
  Restart({.soon = std::chrono::milliseconds(1)});
  std::promise<std::int64_t> told;

  writer_->SubmitThen(
      Insert(1), [&](Result<void> const& outcome) { told.set_value(outcome ? CountRows() : -1); },
      Writer::Urgency::kSoon);

  EXPECT_EQ(told.get_future().get(), 1);
}

TEST_F(WriterTest, FlushMakesEverythingBeforeItVisible) {
  Restart({.soon = std::chrono::hours(1)});
  writer_->SubmitThen(
      Insert(1), [](Result<void> const&) {}, Writer::Urgency::kSoon);

  writer_->Flush();

  EXPECT_EQ(CountRows(), 1);
}

TEST_F(WriterTest, CountsNoSyncForWorkThatWritesNothing) {
  ASSERT_TRUE(writer_->Commit([](Database&) -> Result<void> { return {}; }));

  EXPECT_EQ(writer_->counters().commits, 0U);
}

/// A writer whose works may run again, and what it tells.
class RepeatableWriter : public WriterTest {
 protected:
  void SetUp() override {
    WriterTest::SetUp();
    WriterOptions options;
    options.repeatable = true;
    options.begin = [this](Database&) -> Result<void> {
      ++begun_;
      return {};
    };
    options.end = [this](Database&) -> Result<void> {
      if (fail_end_) return Fail(Code::kDenied, "the end");
      return {};
    };
    options.committed = [this] { ++committed_; };
    Restart(std::move(options));
  }
  /// Submits all so that they share one transaction.
  std::vector<Result<void>> Together(std::vector<Writer::Work> works) {
    std::promise<void> gate;
    auto opened = gate.get_future();
    std::vector<std::future<Result<void>>> waiting;
    waiting.push_back(writer_->Submit([&](Database&) -> Result<void> {
      opened.wait();
      return {};
    }));
    for (auto& work : works)
      waiting.push_back(writer_->Submit(std::move(work)));
    gate.set_value();
    (void)waiting.front().get();
    std::vector<Result<void>> outcomes;
    for (std::size_t i = 1; i < waiting.size(); ++i)
      outcomes.push_back(waiting[i].get());
    return outcomes;
  }
  static Writer::Work InsertAndFail(std::int64_t id) {
    return [id](Database& db) -> Result<void> {
      TRELLIS_CHECK(Insert(id)(db));
      return Fail(Code::kDenied, "no");
    };
  }

  int begun_ = 0;
  int committed_ = 0;
  bool fail_end_ = false;
};

TEST_F(RepeatableWriter, KeepsTheOthersOfAWorkThatWroteAndFailed) {
  auto const outcomes = Together({Insert(1), InsertAndFail(2), Insert(3)});

  EXPECT_TRUE(outcomes[0]);
  ASSERT_FALSE(outcomes[1]);
  EXPECT_EQ(outcomes[1].error().message, "no");
  EXPECT_TRUE(outcomes[2]);
  EXPECT_EQ(CountRows(), 2);
  EXPECT_EQ(committed_, 1);
}

TEST_F(RepeatableWriter, RunsNothingAgainForAWorkThatOnlyFails) {
  int runs = 0;
  auto const count = [&](Database& db) -> Result<void> {
    ++runs;
    return Insert(1)(db);
  };
  auto const outcomes = Together(
      {count, [](Database&) -> Result<void> { return Fail(Code::kDenied, "no"); }, Insert(3)});

  EXPECT_FALSE(outcomes[1]);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(CountRows(), 2);
}

TEST_F(RepeatableWriter, TellsOfEachTransactionOnce) {
  EXPECT_TRUE(writer_->Commit(Insert(1)));
  EXPECT_TRUE(writer_->Commit(Insert(2)));
  EXPECT_TRUE(writer_->Commit([](Database&) -> Result<void> { return {}; }));

  EXPECT_EQ(begun_, 3);
  EXPECT_EQ(committed_, 2) << "the third wrote nothing";
}

TEST_F(RepeatableWriter, UndoesAllWhenTheEndFails) {
  fail_end_ = true;
  auto const outcomes = Together({Insert(1), Insert(2)});

  EXPECT_EQ(outcomes[0].error().message, "the end");
  EXPECT_EQ(outcomes[1].error().message, "the end");
  EXPECT_EQ(CountRows(), 0);
  fail_end_ = false;
  EXPECT_TRUE(writer_->Commit(Insert(1)));
  EXPECT_EQ(committed_, 1);
}

}  // namespace
}  // namespace trellis::store
