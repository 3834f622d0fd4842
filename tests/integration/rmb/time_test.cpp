// Connections that do too little: half-open, half a message, nothing at all, nothing read.
#include "kernel/rmb/relay/relay.hpp"
#include "tests/support/bus/client.hpp"
#include "tests/support/bus/clock.hpp"
#include "tests/support/bus/twins.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

namespace trellis::rmb {
namespace {

using testing::BusClient;

class TimeTest : public ::testing::Test {
 protected:
  TimeTest() {
    for (std::uint32_t twin = 1; twin <= 3; ++twin)
      twins_.Add(twin, "relay.test");
    RelayOptions options;
    options.port = 0;
    options.domains = {"relay.test"};
    relay_ = Relay::Start(std::move(options), {cache_, pool_, clock_}).value();
  }
  std::unique_ptr<BusClient> Connect(std::uint32_t twin, std::string const& session) {
    auto client = std::make_unique<BusClient>(relay_->port());
    auto const token = testing::TokenOf(twin, session, clock_.UnixSeconds());
    EXPECT_EQ(client->Upgrade(token).status, 101U);
    return client;
  }
  /// Sends more than the kernel buffers for one who does not read.
  void Fill(Address const& to) {
    auto const sender = Connect(1, "sender");
    auto request = testing::RequestOf({1, "sender"}, to, "uid", clock_.UnixSeconds());
    request.payload = Plain{std::string(std::size_t{4} << 20U, 'x')};
    auto const bytes = testing::SignedBytes(request);
    for (int i = 0; i < 5; ++i)
      sender->SendBinary(bytes);
    sender->SendBinary(testing::SignedBytes(
        testing::RequestOf({1, "sender"}, {1, "sender"}, "all sent", clock_.UnixSeconds())));
    ASSERT_TRUE(sender->ReceiveEnvelope().has_value());  // then the others are queued
  }
  /// Waits until the metrics hold the text.
  bool Shows(std::string const& text) {
    auto const end = std::chrono::steady_clock::now() + testing::kPatience;
    while (Metrics().find(text) == std::string::npos) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }
  std::string Metrics() { return BusClient(relay_->port()).Get("/metrics").body; }

  testing::FakeClock clock_;
  testing::BusTwins twins_;
  TwinCache cache_{twins_, {}, clock_};
  FairPool pool_{"verify", {}};
  std::unique_ptr<Relay> relay_;
};

TEST_F(TimeTest, EndsConnectionsThatDoTooLittle) {
  BusClient half_request(relay_->port());
  half_request.Write("POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf");
  auto const half_frame = Connect(2, "half");
  half_frame->Write(std::string_view("\x82\xff\x00\x00\x00\x00\x00\x10\x00\x00maskhalf", 18));
  auto const silent = Connect(2, "silent");
  auto const slow = Connect(3, "slow");
  Fill({3, "slow"});

  clock_.Advance(130);

  EXPECT_TRUE(half_request.WaitClosed());
  EXPECT_TRUE(half_frame->WaitClosed());
  EXPECT_TRUE(silent->WaitClosed());
  EXPECT_TRUE(Shows("evictions_total{reason=\"back_pressure_timeout\"} 1")) << Metrics();
  EXPECT_TRUE(Shows("relay_worker_connections{worker=\"0\"} 0")) << Metrics();
  auto const good = Connect(2, "good");
  good->SendBinary(testing::SignedBytes(
      testing::RequestOf({2, "good"}, {2, "good"}, "served", clock_.UnixSeconds())));
  auto const served = good->ReceiveEnvelope();
  ASSERT_TRUE(served.has_value());
  EXPECT_EQ(served->uid, "served");
}

}  // namespace
}  // namespace trellis::rmb
