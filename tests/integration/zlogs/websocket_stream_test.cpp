#include "tests/integration/zlogs/stream_lab.hpp"
#include "tests/integration/zlogs/websocket_server.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trellis::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Url(WebsocketServer const& server, std::string_view scheme = "ws",
                std::string_view host = "127.0.0.1") {
  return fmt::format("{}://me:secret@{}:{}/logs/vm1?key=1", scheme, host, server.port());
}

auto Received(std::size_t bytes) {
  return [bytes](WebsocketServer& server) { return server.received().size() >= bytes; };
}

TEST(WebsocketStream, SendsEachChunkAsOneBinaryFrameThatIsAMember) {
  WebsocketServer server;
  StreamLab lab;
  std::string const log = Numbered(0, 2000);
  lab.Append(log);

  lab.Start(Url(server), R"({"tail":1000000})");

  ASSERT_TRUE(server.WaitFor(Received(log.size()))) << lab.errors();
  EXPECT_EQ(server.received(), log);
  for (auto const& message : server.messages()) {
    EXPECT_TRUE(message.binary && message.plain_frame);
    EXPECT_LE(message.payload, 65535U);
  }
  auto const head = server.requests().front();
  EXPECT_THAT(head, StartsWith("GET /logs/vm1?key=1 HTTP/1.1\r\n"));
  EXPECT_THAT(head, HasSubstr("Authorization: Basic bWU6c2VjcmV0\r\n"));
  EXPECT_THAT(head, HasSubstr(fmt::format("Host: 127.0.0.1:{}\r\n", server.port())));
}

TEST(WebsocketStream, SendsTextAsTextWithoutCompression) {
  WebsocketServer server;
  StreamLab lab;
  lab.Append("h\xc3\xa9llo\n");

  lab.Start(Url(server), R"({"compression":"none"})");

  ASSERT_TRUE(server.WaitFor(Received(7))) << lab.errors();
  EXPECT_FALSE(server.messages().front().binary);
  EXPECT_EQ(server.received(), "h\xc3\xa9llo\n");
}

TEST(WebsocketStream, ComesBackAfterACloseAndGoesOn) {
  WebsocketServer server;
  StreamLab lab;
  lab.Append("before\n");
  lab.Start(Url(server));
  ASSERT_TRUE(server.WaitFor(Received(7))) << lab.errors();
  ASSERT_TRUE(lab.WaitUntilSent(7));

  server.CloseAll(1001);

  ASSERT_TRUE(server.WaitFor([](auto& peer) { return peer.requests().size() == 2; }));
  lab.Append("after\n");
  ASSERT_TRUE(server.WaitFor(Received(13)));
  EXPECT_EQ(server.received(), "before\nafter\n");
  EXPECT_THAT(lab.errors(), HasSubstr("the peer closes the connection with 1001"));
}

TEST(WebsocketStream, LosesNothingWhenThePeerIsKilledAgainAndAgainAndTheLogIsRotated) {
  WebsocketServer server;
  server.Kill();
  StreamLab lab;
  lab.Append(Numbered(0, 1000));
  lab.Start(Url(server), R"({"tail":10000000,"backoff_max_s":1})");
  ASSERT_TRUE(lab.WaitFor([](auto const& status) { return !status.error.empty(); }));

  server.Start();
  for (int round = 1; round <= 4; ++round) {
    lab.Append(Numbered(round * 10'000 - 9000, round * 10'000 - 4000));
    std::size_t const some = server.received().size() + 20'000;
    ASSERT_TRUE(server.WaitFor(Received(some))) << lab.errors();
    server.Kill();  // in the middle of it
    lab.Rotate(4'000'000);
    lab.Append(Numbered(round * 10'000 - 4000, round * 10'000 + 1000));
    server.Start();
  }

  auto const all = Numbered(0, 41'000);
  ASSERT_TRUE(lab.WaitUntilSent(all.size())) << lab.errors() << json::Dump(lab.status());
  std::vector<std::string> texts;
  for (auto const& message : server.messages())
    texts.push_back(message.text);
  auto const cover = Cover(all, texts);
  EXPECT_EQ(cover.covered, all.size()) << json::Dump(lab.status());
  EXPECT_LE(cover.repeated, 4 * 8192U) << "one chunk in doubt for each kill";
}

TEST(WebsocketStream, TrustsOnlyCertificatesThatItIsToldTo) {
  StreamLab lab;
  WebsocketServer::Tls const files{(lab.dir() / "cert.pem").string(),
                                   (lab.dir() / "key.pem").string()};
  auto const made = sys::RunTool(
      {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
       "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
       "-keyout", files.key, "-out", files.certificate},
      kPatience);
  ASSERT_TRUE(made) << made.error().message;
  WebsocketServer server(files);
  lab.Append("hello\n");
  auto const refused = [&lab] { return lab.WaitForError("certificate verify failed"); };

  lab.Start(Url(server, "wss", "localhost"));
  EXPECT_TRUE(refused()) << lab.status().error;
  EXPECT_EQ(lab.Stop(), 0);

  auto const trusting = fmt::format(R"({{"ca_file":"{}"}})", files.certificate);
  lab.Start(Url(server, "wss"), trusting);
  EXPECT_TRUE(refused()) << "another name: " << lab.status().error;
  EXPECT_EQ(lab.Stop(), 0);
  EXPECT_TRUE(server.messages().empty());

  lab.Start(Url(server, "wss", "localhost"), trusting);
  ASSERT_TRUE(server.WaitFor(Received(6))) << lab.errors();
  EXPECT_EQ(lab.Stop(), 0);
  lab.Append("again\n");
  lab.Start(Url(server, "wss"), R"({"tls_verify":false})");
  ASSERT_TRUE(server.WaitFor(Received(12))) << lab.errors();
  EXPECT_EQ(server.received(), "hello\nagain\n");
}

}  // namespace
}  // namespace trellis::testing
