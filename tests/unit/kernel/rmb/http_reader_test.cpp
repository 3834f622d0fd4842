#include "kernel/rmb/relay/http_reader.hpp"

#include "kernel/rmb/relay/domains.hpp"
#include "kernel/rmb/relay/http_link.hpp"
#include "kernel/rmb/websocket_link.hpp"

#include <gtest/gtest.h>

namespace trellis::rmb {
namespace {

using State = HttpReader::State;

constexpr std::size_t kMax = 100;

TEST(HttpReader, TakesRequestsHoweverTheBytesArrive) {
  std::string const text =
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
      "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    HttpReader reader(kMax);
    std::vector<std::string> targets;
    for (std::size_t at = 0; at < text.size(); at += step) {
      auto state = reader.Feed(std::string_view(text).substr(at, step));
      while (state == State::kDone) {
        auto const request = reader.Take();
        targets.push_back(request.target + " " + request.body);
        state = reader.Feed({});
      }
      ASSERT_EQ(state, State::kMore);
    }
    EXPECT_EQ(targets, (std::vector<std::string>{"/ hello", "/metrics "}));
    EXPECT_FALSE(reader.started());
  }
}

TEST(HttpReader, KnowsAnUpgrade) {
  HttpReader reader(kMax);
  std::string const head =
      "GET /any/path?the.whole.query HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\n"
      "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
  ASSERT_EQ(reader.Feed(head + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x82"),
            State::kDone);
  auto const request = reader.Take();
  EXPECT_TRUE(request.is_upgrade);
  EXPECT_EQ(request.target, "/any/path?the.whole.query");
  EXPECT_EQ(reader.TakeRest(), "\x82");
  EXPECT_NE(UpgradeResponse(request.key, 0).find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            std::string::npos);
  HttpReader bad(kMax);
  ASSERT_EQ(bad.Feed(head + "Sec-WebSocket-Key: short\r\n\r\n"), State::kDone);
  EXPECT_FALSE(bad.Take().is_upgrade);
}

TEST(HttpReader, LimitsHeaderAndBody) {
  HttpReader body(kMax);
  EXPECT_EQ(body.Feed("POST / HTTP/1.1\r\nContent-Length: 101\r\n\r\n"), State::kTooBig);
  HttpReader chunks(kMax);
  EXPECT_EQ(chunks.Feed("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n"),
            State::kTooBig);
  HttpReader header(kMax);
  EXPECT_EQ(header.Feed("GET / HTTP/1.1\r\nX: " + std::string(20000, 'x')), State::kTooBig);
  HttpReader junk(kMax);
  EXPECT_EQ(junk.Feed("\x16\x03\x01 not http\r\n\r\n"), State::kBad);
}

TEST(HttpReader, LetsAClientGoOnThatAsksFirst) {
  HttpReader reader(kMax);
  auto const* const head = "POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
  EXPECT_EQ(reader.Feed(head), State::kContinue);
  EXPECT_EQ(reader.Feed("h"), State::kMore);
  EXPECT_EQ(reader.Feed("i"), State::kDone);
  EXPECT_EQ(reader.Take().body, "hi");
}

TEST(HttpResponse, SaysWhatItIsAndWhen) {
  auto const text = HttpResponse({401, false, 0}, "no");
  EXPECT_TRUE(text.starts_with("HTTP/1.1 401 Unauthorized\r\n"));
  EXPECT_NE(text.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(text.ends_with("Content-Length: 2\r\n\r\nno"));
  EXPECT_EQ(HttpDate(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(Domains, AreComparedHoweverClientsWriteThem) {
  EXPECT_EQ(NormaliseDomain("ws:/127.0.0.1:8080"), "127.0.0.1:8080");
  EXPECT_EQ(NormaliseDomain("WSS://Relay.Example//"), "relay.example");
  EXPECT_TRUE(SameDomain("relay.example:8443", "relay.example"));
  EXPECT_FALSE(SameDomain("relay.example:8443", "relay.example:8080"));
  EXPECT_TRUE(SameDomain("[::1]:80", "[::1]"));
  EXPECT_FALSE(SameDomain("a.example", "b.example"));
}

TEST(Domains, LeaveOutWhatCannotBeOne) {
  EXPECT_EQ(DomainsOf("a.example_b.example:8080"),
            (std::vector<std::string>{"a.example", "b.example:8080"}));
  EXPECT_TRUE(DomainsOf("_ _a b_x\r\ny_").empty());
  EXPECT_EQ(DomainsOf("a_b_c_d_e_f").size(), 4U);
  EXPECT_TRUE(DomainsOf(std::string(1000, 'a')).empty());
}

TEST(Targets, AreHttpsUnlessSaidOtherwise) {
  EXPECT_EQ(TargetOf("relay.example", {}), (HttpTarget{"relay.example", "443", true}));
  EXPECT_EQ(TargetOf("relay.example:8443", {}), (HttpTarget{"relay.example", "8443", true}));
  EXPECT_EQ(TargetOf("ws:/127.0.0.1:8080", {}), (HttpTarget{"127.0.0.1", "8080", false}));
  EXPECT_EQ(TargetOf("relay.example", {"relay.example"}),
            (HttpTarget{"relay.example", "80", false}));
  EXPECT_EQ(TargetOf("wss://[::1]:9", {}), (HttpTarget{"::1", "9", true}));
}

TEST(RelayUrls, AreTakenApart) {
  auto const plain = ParseRelayUrl("ws://127.0.0.1:8080").value();
  EXPECT_EQ(plain.domain(), "127.0.0.1:8080");
  EXPECT_FALSE(plain.tls);
  auto const secure = ParseRelayUrl("wss://relay.example/path").value();
  EXPECT_EQ(secure.domain(), "relay.example");
  EXPECT_EQ(secure.path, "/path");
  EXPECT_EQ(ParseRelayUrl("ws://[::1]:80").value().domain(), "[::1]");
  for (auto const* bad : {"http://x", "ws://", "ws://x:port", "wss://x/?query", "x"})
    EXPECT_FALSE(ParseRelayUrl(bad)) << bad;
}

}  // namespace
}  // namespace trellis::rmb
