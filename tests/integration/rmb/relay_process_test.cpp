// `trellis relay`: relays in processes of their own, two of them over one Redis, one killed while
// messages flow.
#include "kernel/ledger/embedded/embedded_ledger.hpp"
#include "kernel/sys/ports.hpp"
#include "kernel/sys/process.hpp"
#include "tests/support/bus/client.hpp"
#include "tests/support/bus/twins.hpp"
#include "tests/support/patience.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <limits>
#include <set>
#include <thread>

namespace trellis::rmb {
namespace {

using testing::BusClient;
using testing::BusTwins;
using testing::RedisServer;
using testing::RequestOf;
using testing::SignedBytes;
using testing::TokenOf;

/// One `trellis relay`, listening once it is made.
class RelayProcess {
 public:
  RelayProcess(std::string const& ledger, std::vector<std::string> const& more) {
    auto pipe = sys::Pipe::Make().value();
    sys::SpawnOptions options;
    options.argv = {TRELLIS_BUILD_DIR "/bin/trellis",
                    "relay",
                    "--ledger",
                    ledger,
                    "--listen",
                    "127.0.0.1:0",
                    "--domain",
                    "relay.test"};
    options.argv.insert(options.argv.end(), more.begin(), more.end());
    options.fds = {{pipe.write.get(), STDOUT_FILENO}};
    child_.emplace(sys::ChildProcess::Spawn(options).value());
    pipe.write.Reset();
    ReadPort(pipe.read.get());
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  void Kill() {
    child_->Kill(SIGKILL);
    (void)child_->Wait(testing::kPatience);
  }
  /// How it ended after SIGTERM.
  std::string Stop() {
    child_->Kill(SIGTERM);
    auto const status = child_->Wait(testing::kPatience);
    return status ? status->ToString() : status.error().message;
  }

 private:
  /// Out of `relay ws://127.0.0.1:<port>`.
  void ReadPort(int fd) {
    std::string line;
    while (line.find('\n') == std::string::npos) {
      pollfd entry{fd, POLLIN, 0};
      char buffer[256];
      if (::poll(&entry, 1, testing::kPatienceMs) <= 0)
        throw std::runtime_error("the relay does not start");
      auto const size = ::read(fd, buffer, sizeof buffer);
      if (size <= 0) throw std::runtime_error("the relay ended: " + line);
      line.append(buffer, static_cast<std::size_t>(size));
    }
    port_ = static_cast<std::uint16_t>(std::stoul(line.substr(line.rfind(':') + 1)));
  }
  std::optional<sys::ChildProcess> child_;
  std::uint16_t port_ = 0;
};

class RelayProcessTest : public ::testing::Test {
 protected:
  RelayProcessTest() {
    auto const ledger = ledger::EmbeddedLedger::Open(ledger_path()).value();
    ledger::ImportData data;
    for (std::uint32_t twin = 1; twin <= 9; ++twin) {
      ledger::ImportTwin entry;
      entry.id = twin;
      entry.account.bytes = BusTwins::SignerOf(twin).public_key();
      entry.relay = "relay.test";
      data.twins.push_back(entry);
    }
    EXPECT_TRUE(ledger->Import(data));
  }
  [[nodiscard]] std::string ledger_path() const { return (dir_ / "ledger.db").string(); }
  static std::int64_t Now() { return SystemClock().UnixSeconds(); }

  testing::TempDir dir_;
};

TEST_F(RelayProcessTest, RunsARelayWithoutANode) {
  RelayProcess relay(ledger_path(), {});
  BusClient sender(relay.port());
  BusClient receiver(relay.port());
  ASSERT_EQ(sender.Upgrade(TokenOf(1, {}, Now())).status, 101U);
  ASSERT_EQ(receiver.Upgrade(TokenOf(2, {}, Now())).status, 101U);
  auto const bytes = SignedBytes(RequestOf({1, {}}, {2, {}}, "uid", Now()));
  sender.SendBinary(bytes);
  EXPECT_EQ(receiver.Receive(), bytes);
  EXPECT_EQ(relay.Stop(), "exit code 0");
}

/// Posts signed requests for twin 2 to one of the relays until it is told to stop; what was
/// acknowledged counts.
class Poster {
 public:
  Poster(std::string name, std::uint16_t port)
      : name_(std::move(name)), thread_([this, port](std::stop_token const& stop) {
          for (int i = 0; !stop.stop_requested(); ++i)
            Post(port, name_ + std::to_string(i));
        }) {}
  std::set<std::string> Stop() {
    thread_.request_stop();
    thread_.join();
    return acknowledged_;
  }

 private:
  void Post(std::uint16_t port, std::string const& uid) {
    auto request = RequestOf({1, {}}, {2, {}}, uid, SystemClock().UnixSeconds());
    request.expiration = 300;
    try {
      if (BusClient(port).Post("/", SignedBytes(request)).status == 202) acknowledged_.insert(uid);
    } catch (boost::system::system_error const&) {
      std::this_thread::yield();  // killed: nothing of this one is acknowledged any more
    }
  }
  std::string name_;
  std::set<std::string> acknowledged_;
  std::jthread thread_;
};

TEST_F(RelayProcessTest, LosesNothingAcknowledgedWhenOneOfTwoIsKilled) {
  RedisServer redis;
  std::vector<std::string> const more{"--redis", redis.url()};
  RelayProcess first(ledger_path(), more);
  RelayProcess second(ledger_path(), more);
  std::set<std::string> received;
  auto const receive = [&](BusClient& client, std::size_t enough) {
    while (received.size() < enough) {
      auto const envelope = client.ReceiveEnvelope();
      if (!envelope) return;
      received.insert(envelope->uid);
    }
  };

  Poster to_first("first ", first.port());
  Poster to_second("second ", second.port());
  BusClient on_first(first.port());
  ASSERT_EQ(on_first.Upgrade(TokenOf(2, {}, Now())).status, 101U);
  constexpr std::size_t kBefore = 100;
  receive(on_first, kBefore);
  ASSERT_GE(received.size(), kBefore);
  first.Kill();
  receive(on_first, std::numeric_limits<std::size_t>::max());  // what was on its way
  BusClient on_second(second.port());
  ASSERT_EQ(on_second.Upgrade(TokenOf(2, {}, Now())).status, 101U);
  receive(on_second, received.size() + kBefore);
  auto acknowledged = to_first.Stop();
  acknowledged.merge(to_second.Stop());
  while (
      !std::includes(received.begin(), received.end(), acknowledged.begin(), acknowledged.end())) {
    auto const before = received.size();
    receive(on_second, before + 1);
    if (received.size() == before) break;
  }

  std::vector<std::string> lost;
  std::set_difference(acknowledged.begin(), acknowledged.end(), received.begin(), received.end(),
                      std::back_inserter(lost));
  EXPECT_TRUE(lost.empty()) << lost.size() << " of " << acknowledged.size() << ", first "
                            << lost.front();
  EXPECT_GT(acknowledged.size(), kBefore);
}

}  // namespace
}  // namespace trellis::rmb
