#include "plugins/zlogs/daemon/log_reader.hpp"

#include "tests/support/temp_dir.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace trellis::plugins::zlogs {
namespace {

namespace fs = std::filesystem;

class LogReaderTest : public ::testing::Test {
 protected:
  LogReaderTest() { Append(""); }

  void Append(std::string_view text) const {
    std::ofstream(log_, std::ios::app | std::ios::binary) << text;
  }
  /// As zmachine rotates, or as others do.
  void Rotate(std::size_t keep, bool record) const {
    std::ostringstream text;
    text << std::ifstream(log_).rdbuf();
    std::string const all = text.str();
    auto const start = all.size() - std::min(all.size(), keep);
    std::ofstream(log_ + ".new") << all.substr(start);
    fs::rename(log_ + ".new", log_ + ".0");
    struct stat copy {};
    ::stat((log_ + ".0").c_str(), &copy);
    if (record)
      std::ofstream(log_ + ".rotated")
          << fmt::format(R"({{"inode":{},"start":{},"end":{}}})", copy.st_ino, start, all.size());
    fs::resize_file(log_, 0);
  }
  /// A streamer that is started, again with what it was given first.
  LogReader& Start(Position const& stored = {}, std::uint64_t tail = 1000) {
    if (first_ < 0) first_ = ::open(log_.c_str(), O_RDONLY | O_CLOEXEC);
    UniqueFd folder(::open(dir_.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    reader_.emplace(std::move(folder), UniqueFd(::dup(first_)), "console.log",
                    LogReader::Limits{tail, 100, 10});
    EXPECT_TRUE(reader_->Start(stored));
    return *reader_;
  }
  /// Everything there is, piece by piece.
  std::string Drain() {
    std::string all;
    for (;;) {
      auto const piece = reader_->Take(8);
      if (piece.empty()) return all;
      all += piece;
      reader_->Accept();
    }
  }
  void TearDown() override {
    if (first_ >= 0) ::close(first_);
  }

  testing::TempDir dir_;
  std::string log_ = (dir_ / "console.log").string();
  std::optional<LogReader> reader_;
  int first_ = -1;
};

TEST_F(LogReaderTest, BeginsAtTheTailAndFollows) {
  Append("0123456789");
  Start({}, 4);

  EXPECT_EQ(Drain(), "6789");
  Append("next");
  EXPECT_EQ(Drain(), "next");
  EXPECT_FALSE(reader_->pending());
}

TEST_F(LogReaderTest, GivesTheSameBytesUntilTheyAreAccepted) {
  Append("0123456789");
  auto& reader = Start();

  EXPECT_EQ(reader.Take(4), "0123");
  reader.Abandon();
  EXPECT_EQ(reader.Take(4), "0123");
  reader.Accept();
  EXPECT_EQ(reader.Take(4), "4567");
  EXPECT_EQ(reader.behind(), 6U);
}

TEST_F(LogReaderTest, GoesOnInTheCopyOfARotatedLog) {
  for (bool const record : {true, false}) {
    Append("0123456789");
    auto& reader = Start();
    EXPECT_EQ(reader.Take(7), "0123456");
    reader.Accept();

    Rotate(5, record);
    Append("new");

    EXPECT_EQ(Drain(), "789new") << record;
    fs::resize_file(log_, 0);
    (void)Drain();
  }
}

TEST_F(LogReaderTest, NoticesARotationThoughTheLogHasGrownBeyondItsPlaceAgain) {
  Append("0123456789");
  Start();
  EXPECT_EQ(reader_->Take(2), "01");
  reader_->Accept();

  Rotate(10, /*record=*/true);
  Append("abcde");

  EXPECT_EQ(Drain(), "23456789abcde");
}

TEST_F(LogReaderTest, TellsHowManyBytesARotationLost) {
  Append("0123456789");
  Start();

  Rotate(4, /*record=*/true);
  Append("x");

  EXPECT_EQ(Drain(), "[trellis: 6 bytes lost by log rotation]\n6789x");
  EXPECT_EQ(reader_->dropped(), 6U);
}

TEST_F(LogReaderTest, TellsHowManyBytesATruncationLost) {
  Append("0123456789");
  Start();

  fs::resize_file(log_, 0);

  EXPECT_EQ(Drain(), "[trellis: 10 bytes lost by log rotation]\n");
  Append("x");
  EXPECT_EQ(Drain(), "x");
}

TEST_F(LogReaderTest, KeepsItsPlaceWhileAChunkIsUnderWay) {
  Append("0123456789");
  auto& reader = Start();
  EXPECT_EQ(reader.Take(4), "0123");

  Rotate(10, /*record=*/true);
  Append("new");
  reader.Refresh();
  reader.Accept();

  EXPECT_EQ(Drain(), "456789new");
}

TEST_F(LogReaderTest, FinishesAReplacedLogBeforeTheNewOne) {
  Append("old");
  Start();

  fs::rename(log_, log_ + ".1");
  EXPECT_EQ(Drain(), "old");
  std::ofstream(log_ + ".1", std::ios::app) << " late";
  Append("new");

  EXPECT_EQ(Drain(), " latenew");
}

TEST_F(LogReaderTest, WaitsForADeletedLogToComeBack) {
  Append("old");
  auto& reader = Start();

  fs::remove(log_);
  EXPECT_EQ(Drain(), "old");
  EXPECT_EQ(reader.problem(), "the log is gone");
  Append("new");

  EXPECT_EQ(Drain(), "new");
  EXPECT_EQ(reader.problem(), "");
}

TEST_F(LogReaderTest, SkipsToTheEndWhenItIsTooFarBehind) {
  Start();

  Append(fmt::format("{:a>150}0123456789", ""));

  EXPECT_EQ(Drain(), "[trellis: 150 bytes skipped]\n0123456789");
  EXPECT_EQ(reader_->dropped(), 150U);
}

TEST_F(LogReaderTest, SkipsOverRotatedCopiesToo) {
  Start();
  for (int i = 0; i < 8; ++i) {
    Append(std::string(40, 'a'));
    reader_->Refresh();
    Rotate(40, /*record=*/true);
    reader_->Refresh();
  }
  Append("end");

  auto const all = Drain();

  EXPECT_TRUE(all.starts_with("[trellis: 313 bytes skipped]\n")) << all;
  EXPECT_TRUE(all.ends_with("aaaaaaaend")) << all;
}

TEST_F(LogReaderTest, GoesOnAtItsPlaceAfterARestart) {
  Append("0123456789");
  EXPECT_EQ(Start().Take(4), "0123");
  reader_->Accept();
  auto const place = reader_->position();
  Append("more");

  Start(place, 1);

  EXPECT_EQ(Drain(), "456789more");
}

TEST_F(LogReaderTest, GoesOnAtItsPlaceWhenTheLogWasRotatedMeanwhile) {
  Append("0123456789");
  EXPECT_EQ(Start().Take(4), "0123");
  reader_->Accept();
  auto const place = reader_->position();
  Rotate(8, /*record=*/true);
  Append("new log that is longer");

  Start(place, 1);
  EXPECT_EQ(reader_->Take(2), "45");
  reader_->Accept();
  Start(reader_->position(), 1);

  EXPECT_EQ(Drain(), "6789new log that is longer");
}

TEST_F(LogReaderTest, GoesOnInTheFirstFileWhenTheLogWasReplacedMeanwhile) {
  Append("0123456789");
  EXPECT_EQ(Start().Take(4), "0123");
  reader_->Accept();
  auto const place = reader_->position();
  fs::remove(log_);
  Append("new");

  Start(place, 1);

  EXPECT_EQ(Drain(), "456789new");
}

TEST_F(LogReaderTest, BeginsAtTheTailOfAnotherLog) {
  Append("0123456789");
  Position elsewhere;
  elsewhere.inode = 1;
  elsewhere.offset = 7;

  Start(elsewhere, 3);

  EXPECT_EQ(Drain(), "789");
}

}  // namespace
}  // namespace trellis::plugins::zlogs
