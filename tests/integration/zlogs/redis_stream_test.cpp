#include "tests/integration/zlogs/stream_lab.hpp"
#include "tests/integration/zlogs/websocket_server.hpp"
#include "tests/support/patience.hpp"
#include "tests/support/redis_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <boost/asio.hpp>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <random>
#include <sstream>

namespace trellis::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// One SUBSCRIBE to a Redis, on a thread of its own, until the server or this ends.
class Subscriber {
 public:
  Subscriber(std::uint16_t port, std::string const& channel) : socket_(io_) {
    socket_.connect({boost::asio::ip::make_address("127.0.0.1"), port});
    boost::asio::write(socket_, boost::asio::buffer("SUBSCRIBE " + channel + "\r\n"));
    (void)ReadArray();  // subscribed
    thread_ = std::thread([this] {
      for (auto words = ReadArray(); words.size() == 3; words = ReadArray()) {
        std::lock_guard const lock(mutex_);
        members_.push_back(words[2]);
        changed_.notify_all();
      }
    });
  }
  ~Subscriber() {
    boost::system::error_code ignored;
    socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_both, ignored);
    thread_.join();
  }
  Subscriber(Subscriber const&) = delete;
  Subscriber& operator=(Subscriber const&) = delete;
  Subscriber(Subscriber&&) = delete;
  Subscriber& operator=(Subscriber&&) = delete;

  std::vector<std::string> members() {
    std::lock_guard const lock(mutex_);
    return members_;
  }
  /// Unpacked; "" for what is no member.
  std::vector<std::string> texts() {
    std::vector<std::string> all;
    for (auto const& member : members())
      all.push_back(Gunzip(member));
    return all;
  }
  std::string text() {
    std::string all;
    for (auto const& one : texts())
      all += one;
    return all;
  }
  /// False when fewer bytes came within the time limit.
  bool WaitForBytes(std::size_t bytes) {
    return Wait([&] { return text().size() >= bytes; });
  }
  /// False when the last message was another one until then.
  bool WaitForLast(std::string const& message) {
    return Wait([&] {
      auto const all = members();
      return !all.empty() && all.back() == message;
    });
  }

 private:
  bool Wait(std::function<bool()> const& done) {
    auto const end = std::chrono::steady_clock::now() + kPatience;
    while (!done()) {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, std::chrono::milliseconds(50));
      if (std::chrono::steady_clock::now() >= end) return false;
    }
    return true;
  }
  std::string ReadLine() {
    boost::system::error_code end;
    auto const size =
        boost::asio::read_until(socket_, boost::asio::dynamic_buffer(in_), "\r\n", end);
    if (end) return {};
    auto line = in_.substr(0, size - 2);
    in_.erase(0, size);
    return line;
  }
  /// An array of strings and numbers; empty at the end.
  std::vector<std::string> ReadArray() {
    auto const head = ReadLine();
    if (!head.starts_with('*')) return {};
    std::vector<std::string> words;
    for (int left = std::stoi(head.substr(1)); left > 0; --left) {
      auto const line = ReadLine();
      if (!line.starts_with('$')) {
        words.push_back(line);
        continue;
      }
      std::size_t const size = std::stoul(line.substr(1)) + 2;
      boost::system::error_code end;
      if (in_.size() < size)
        boost::asio::read(socket_, boost::asio::dynamic_buffer(in_),
                          boost::asio::transfer_exactly(size - in_.size()), end);
      if (end) return {};
      words.push_back(in_.substr(0, size - 2));
      in_.erase(0, size);
    }
    return words;
  }

  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_;
  std::string in_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<std::string> members_;
  std::thread thread_;
};

class RedisStream : public ::testing::Test {
 protected:
  std::string Url(std::string_view user = "") const {
    return fmt::format("redis://{}127.0.0.1:{}/logs/vm%201", user, redis_.port());
  }
  std::uint16_t port() const { return redis_.port(); }

  RedisServer redis_;
  StreamLab lab_;
};

TEST_F(RedisStream, BeginsWithTheLastBytesOfTheLog) {
  std::string const log = Numbered(0, 1000);
  lab_.Append(log);
  Subscriber subscriber(port(), "logs/vm%201");

  lab_.Start(Url());

  ASSERT_TRUE(subscriber.WaitForBytes(8192)) << lab_.errors();
  EXPECT_EQ(Gunzip(subscriber.members().front()), log.substr(log.size() - 8192));
}

TEST_F(RedisStream, SendsWhatComesTogetherAsOneMessageAndNothingTwice) {
  Subscriber subscriber(port(), "logs/vm%201");
  lab_.Start(Url(), R"({"coalesce_ms":2000})");
  ASSERT_TRUE(lab_.WaitFor([](auto const& status) { return status.state == "connected"; }));

  for (int i = 0; i < 3; ++i)
    lab_.Append("a\n");
  ASSERT_TRUE(subscriber.WaitForBytes(6));
  lab_.Append("b\n");
  ASSERT_TRUE(subscriber.WaitForBytes(8));

  EXPECT_EQ(Gunzip(subscriber.members().front()), "a\na\na\n");
  EXPECT_EQ(subscriber.text(), "a\na\na\nb\n");
}

TEST_F(RedisStream, CutsTheLogIntoMembersOfOneChunkEach) {
  std::mt19937 random(7);
  std::string noise(100'000, '\0');
  for (auto& c : noise)
    c = static_cast<char>(random());
  Subscriber subscriber(port(), "logs/vm%201");
  lab_.Append(noise);

  lab_.Start(Url(), R"({"tail":1000000})");

  ASSERT_TRUE(subscriber.WaitForBytes(noise.size())) << lab_.errors();
  EXPECT_EQ(subscriber.text(), noise);
  auto const members = subscriber.members();
  EXPECT_EQ(members.size(), 13U);
  for (auto const& member : members)
    EXPECT_LE(Gunzip(member).size(), 8192U);
}

TEST_F(RedisStream, LogsInAndTellsThePasswordNobody) {
  redis_.Ask({"ACL", "SETUSER", "me", "on", ">secret", "&*", "+@all"});
  redis_.Ask({"ACL", "SETUSER", "default", "-publish"});
  Subscriber subscriber(port(), "logs/vm%201");
  lab_.Append("hello\n");

  lab_.Start(Url("me:secret@"));

  ASSERT_TRUE(subscriber.WaitForBytes(6)) << lab_.errors();
  std::ostringstream text;
  text << std::ifstream(fmt::format("/proc/{}/cmdline", lab_.pid())).rdbuf();
  std::string const argv = text.str();
  EXPECT_THAT(argv, HasSubstr("trellis-logstream"));
  EXPECT_THAT(argv, Not(HasSubstr("secret")));
  EXPECT_THAT(lab_.errors(), HasSubstr("connected to redis://127.0.0.1"));
  EXPECT_THAT(lab_.errors() + json::Dump(lab_.status()), Not(HasSubstr("secret")));
}

TEST_F(RedisStream, WaitsLongAfterARefusedPassword) {
  lab_.Append("hello\n");

  lab_.Start(Url("nobody:wrong@"), R"({"backoff_max_s":100})");

  EXPECT_TRUE(lab_.WaitForError("WRONGPASS")) << json::Dump(lab_.status());
  EXPECT_TRUE(lab_.WaitFor([](auto const& status) { return status.behind == 6; }));
  EXPECT_EQ(lab_.Stop(), 0) << "also while it waits";
}

TEST_F(RedisStream, LosesNothingWhenThePeerAndTheStreamerAreKilledAndTheLogIsRotated) {
  std::vector<std::string> received;
  {
    Subscriber subscriber(port(), "logs/vm%201");
    lab_.Append(Numbered(0, 20'000));
    lab_.Start(Url(), R"({"tail":10000000})");
    ASSERT_TRUE(subscriber.WaitForBytes(20'000));  // in the middle of it
    // What Redis accepts it may still lose on its way to a subscriber: let that arrive.
    lab_.Signal(SIGSTOP);
    for (auto const* const end : {"end", "of all"}) {
      redis_.Ask({"PUBLISH", "logs/vm%201", end});
      ASSERT_TRUE(subscriber.WaitForLast(end));
    }
    redis_.Kill();
    received = subscriber.texts();
  }
  lab_.Signal(SIGCONT);
  ASSERT_TRUE(lab_.WaitFor([](auto const& status) { return status.state == "connecting"; }));
  lab_.Append(Numbered(20'000, 30'000));
  lab_.Rotate(350'000);
  lab_.Append(Numbered(30'000, 40'000));
  lab_.Kill();
  redis_.Start();
  Subscriber subscriber(port(), "logs/vm%201");

  lab_.Start(Url(), R"({"tail":10000000})");

  auto const all = Numbered(0, 40'000);
  ASSERT_TRUE(lab_.WaitUntilSent(all.size() - 8192)) << lab_.errors() << json::Dump(lab_.status());
  redis_.Ask({"PUBLISH", "logs/vm%201", "end"});
  ASSERT_TRUE(subscriber.WaitForLast("end"));
  auto const rest = subscriber.texts();
  received.insert(received.end(), rest.begin(), rest.end());
  auto const cover = Cover(all, received);
  EXPECT_EQ(cover.covered, all.size());
  EXPECT_LE(cover.repeated, 2 * 8192U) << "one chunk in doubt for each kill";
}

TEST_F(RedisStream, SkipsForwardWhenThePeerIsAwayForTooLong) {
  redis_.Kill();
  lab_.Start(Url(), R"({"lag_limit":400000,"lag_keep":120000,"backoff_max_s":1})");
  ASSERT_TRUE(lab_.WaitFor([](auto const& status) { return !status.error.empty(); }));
  std::string const log = Numbered(0, 50'000);
  lab_.Append(log);
  ASSERT_TRUE(lab_.WaitFor([&](auto const& status) { return status.behind == log.size(); }));
  lab_.Signal(SIGSTOP);
  redis_.Start();
  Subscriber subscriber(port(), "logs/vm%201");
  lab_.Signal(SIGCONT);

  std::string const expected =
      "[trellis: 480000 bytes skipped]\n" + log.substr(log.size() - 120'000);
  ASSERT_TRUE(subscriber.WaitForBytes(expected.size())) << lab_.errors();
  EXPECT_EQ(subscriber.text(), expected);
  EXPECT_TRUE(lab_.WaitFor([](auto const& status) { return status.dropped == 480'000; }));
}

TEST_F(RedisStream, SendsTheRestWhenItIsAskedToEnd) {
  Subscriber subscriber(port(), "logs/vm%201");
  lab_.Start(Url(), R"({"coalesce_ms":10000})");
  ASSERT_TRUE(lab_.WaitFor([](auto const& status) { return status.state == "connected"; }));
  lab_.Append("last words\n");

  EXPECT_EQ(lab_.Stop(), 0);

  EXPECT_TRUE(subscriber.WaitForBytes(11));
  EXPECT_EQ(subscriber.text(), "last words\n");
}

}  // namespace
}  // namespace trellis::testing
