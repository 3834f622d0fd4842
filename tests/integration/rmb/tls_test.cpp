// A relay with a certificate.
#include "kernel/sys/process.hpp"
#include "tests/integration/rmb/relay_fixture.hpp"
#include "tests/support/temp_dir.hpp"

#include <cstdlib>

namespace trellis::rmb {
namespace {

using testing::BusTwins;

/// A certificate for localhost, which clients of this process trust.
class TlsTest : public ::testing::Test {
 protected:
  TlsTest() {
    auto const made = sys::RunTool(
        {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key(), "-out", certificate()},
        testing::kPatience);
    EXPECT_TRUE(made) << made.error().message;
    ::setenv("SSL_CERT_FILE", certificate().c_str(), 1);
    twins_.Add(1, "localhost");
    twins_.Add(2, "localhost");
  }
  ~TlsTest() override { ::unsetenv("SSL_CERT_FILE"); }
  [[nodiscard]] std::string certificate() const { return (dir_ / "cert.pem").string(); }
  [[nodiscard]] std::string key() const { return (dir_ / "key.pem").string(); }
  RelayOptions Options() const {
    RelayOptions options;
    options.domains = {"localhost"};
    options.tls_certificate = certificate();
    options.tls_key = key();
    return options;
  }

  testing::TempDir dir_;
  BusTwins twins_;
};

TEST_F(TlsTest, CarriesMessagesOfAnySize) {
  RelayBench bench(twins_, Options());
  EXPECT_EQ(bench.relay().url(), "wss://" + bench.domain());
  auto const url = fmt::format("wss://localhost:{}", bench.port());
  auto const echo = [](IncomingRequest request, Reply const& reply) {
    reply({request.payload, 0, {}});
  };
  auto const node = Peer::Start(url, BusTwins::IdentityOf(1, std::nullopt), twins_, echo).value();
  auto const client = Peer::Start(url, BusTwins::IdentityOf(2, "c"), twins_, {}).value();
  ASSERT_TRUE(client->WaitConnected(testing::kPatience));
  for (std::size_t size : {std::size_t{1}, std::size_t{20000}, std::size_t{3} << 20U}) {
    auto const payload = '"' + std::string(size, 'x') + '"';
    EXPECT_EQ(client->Call(1, "echo", payload, testing::kPatience).value_or("none"), payload);
  }
}

TEST_F(TlsTest, FederatesOverHttps) {
  RelayBench first(twins_);
  RelayBench second(twins_, Options());
  twins_.SetRelay(1, "ws:/" + first.domain());
  twins_.SetRelay(2, fmt::format("localhost:{}", second.port()));
  auto const echo = [](IncomingRequest request, Reply const& reply) {
    reply({request.payload, 0, {}});
  };
  auto const node = Peer::Start(fmt::format("wss://localhost:{}", second.port()),
                                BusTwins::IdentityOf(2, std::nullopt), twins_, echo)
                        .value();
  auto const client =
      Peer::Start(first.relay().url(), BusTwins::IdentityOf(1, "c"), twins_, {}).value();
  EXPECT_EQ(client->Call(2, "echo", "1", testing::kPatience).value_or("none"), "1");
}

TEST_F(TlsTest, KeepsPlainClientsAndStrangersOut) {
  RelayBench bench(twins_, Options());
  testing::BusClient plain(bench.port());
  plain.Write("GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(plain.WaitClosed());
  ::setenv("SSL_CERT_FILE", "/nonexistent", 1);
  auto const distrusting = Peer::Start(fmt::format("wss://localhost:{}", bench.port()),
                                       BusTwins::IdentityOf(1, "c"), twins_, {})
                               .value();
  EXPECT_FALSE(distrusting->WaitConnected(std::chrono::milliseconds(500)));
}

TEST_F(TlsTest, SaysWhatIsWrongWithItsFiles) {
  auto options = Options();
  options.tls_key = dir_ / "missing.pem";
  SystemClock clock;
  TwinCache cache(twins_, {}, clock);
  FairPool pool("verify", {});
  auto const missing = Relay::Start(options, {cache, pool, clock});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  options.tls_key = options.tls_certificate;
  auto const wrong = Relay::Start(options, {cache, pool, clock});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Code::kInvalid);
}

}  // namespace
}  // namespace trellis::rmb
