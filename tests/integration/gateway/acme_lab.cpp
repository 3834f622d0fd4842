#include "tests/integration/gateway/acme_lab.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/socket_address.hpp"
#include "plugins/common/posix/tool.hpp"
#include "plugins/gateway/certs/openssl.hpp"
#include "tests/support/patience.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <fstream>

namespace trellis::plugins::gateway {

namespace {

constexpr long kDay = 24L * 3600;
// In a namespace of the test's own, so the ports are free.
constexpr char const* kNames = "127.0.0.1:8054";
constexpr char const* kEveryName = "127.0.0.1:8053";

/// The reply of the server; empty when there is none.
std::string AskServer(std::string const& server, std::string_view question) {
  auto const address = ReadSocketAddress(server);
  UniqueFd const fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!address || ::connect(fd.get(), address->raw(), address->size) != 0 ||
      ::send(fd.get(), question.data(), question.size(), MSG_NOSIGNAL) < 0)
    return {};
  std::array<char, 4096> reply{};
  pollfd ready{fd.get(), POLLIN, 0};
  constexpr int kLimitMs = 5000;  // pebble asks again
  if (::poll(&ready, 1, kLimitMs) <= 0) return {};
  auto const got = ::recv(fd.get(), reply.data(), reply.size(), 0);
  return got > 0 ? std::string(reply.data(), static_cast<std::size_t>(got)) : std::string();
}

/// Passes questions on, as a resolver does that follows the delegation.
void Resolve(std::stop_token const& stop, int fd) {
  std::array<char, 4096> packet{};
  while (!stop.stop_requested()) {
    pollfd ready{fd, POLLIN, 0};
    constexpr int kLookMs = 20;
    if (::poll(&ready, 1, kLookMs) <= 0) continue;
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    auto* const raw = reinterpret_cast<sockaddr*>(&from);
    auto const got = ::recvfrom(fd, packet.data(), packet.size(), 0, raw, &size);
    if (got <= 0) continue;
    std::string_view const question(packet.data(), static_cast<std::size_t>(got));
    bool const delegated = question.find("_acme-challenge") != std::string_view::npos;
    auto const reply = AskServer(delegated ? std::string(kNodeIp) + ":53" : kEveryName, question);
    if (!reply.empty()) (void)::sendto(fd, reply.data(), reply.size(), MSG_NOSIGNAL, raw, size);
  }
}

}  // namespace

std::string SelfSigned(std::string const& domain, long days_ago, long days_left) {
  auto const key = MakeKey();
  X509Ptr const certificate(X509_new());
  auto* const raw = certificate.get();
  auto* const name = X509_get_subject_name(raw);
  auto const* text = reinterpret_cast<unsigned char const*>(domain.c_str());
  EXPECT_EQ(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0), 1);
  EXPECT_EQ(X509_set_issuer_name(raw, name), 1);
  X509_gmtime_adj(X509_getm_notBefore(raw), -days_ago * kDay);
  X509_gmtime_adj(X509_getm_notAfter(raw), days_left * kDay);
  EXPECT_EQ(X509_set_pubkey(raw, key->get()), 1);
  EXPECT_GT(X509_sign(raw, key->get(), EVP_sha256()), 0);
  return CertificateText(raw).value_or("") + KeyText(key->get()).value_or("");
}

void AcmeLab::SetUp() {
  ASSERT_NO_FATAL_FAILURE(GatewayLab::SetUp());
  auto const made = RunTool(
      {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
       "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
       dir_ / "pebble.key", "-out", dir_ / "pebble.pem"},
      trellis::testing::kPatience);
  ASSERT_TRUE(made) << made.error().message;
  std::ofstream(dir_ / "pebble.json") << fmt::format(
      R"({{"pebble":{{"listenAddress":"127.0.0.1:14000","managementListenAddress":"127.0.0.1:15000",)"
      R"("certificate":"{0}/pebble.pem","privateKey":"{0}/pebble.key","httpPort":80,"tlsPort":443}}}})",
      dir_.path().string());
  UniqueFd names(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  auto const address = ReadSocketAddress(kNames);
  ASSERT_TRUE(address);
  ASSERT_EQ(::bind(names.get(), address->raw(), address->size), 0);
  names_ = std::jthread(
      [fd = std::move(names)](std::stop_token const& stop) { Resolve(stop, fd.get()); });
  Run("dns", {"/usr/bin/pebble-challtestsrv", "-defaultIPv4", kNodeIp, "-defaultIPv6", "",
              "-http01", "", "-https01", "", "-tlsalpn01", ""});
  Run("pebble", {"/usr/bin/pebble", "-config", dir_ / "pebble.json", "-dnsserver", kNames});
  ASSERT_TRUE(Eventually([&] {
    return RunTool({"curl", "--silent", "--insecure", "https://127.0.0.1:14000/dir"},
                   trellis::testing::kPatience)
        .has_value();
  }));
}

void AcmeLab::TearDown() {
  names_ = std::jthread();
  GatewayLab::TearDown();
}

void AcmeLab::LoadAcme(std::string const& more) {
  Load(fmt::format(
      R"(,"tls":"acme","acme":{{"directory":"https://127.0.0.1:14000/dir","ca":"{}"{}{}}})",
      (dir_ / "pebble.pem").string(), more.empty() ? "" : ",", more));
}

void AcmeLab::PointAt(std::string const& domain, std::string const& ip) const {
  auto const told = RunTool({"curl", "--silent", "--fail", "--data",
                             fmt::format(R"({{"host":"{}.","addresses":["{}"]}})", domain, ip),
                             "http://127.0.0.1:8055/add-a"},
                            trellis::testing::kPatience);
  ASSERT_TRUE(told) << told.error().message;
}

bool AcmeLab::IsIssued(std::string const& domain) const {
  return Eventually(
      [&] { return Issuer(domain).find("Pebble Intermediate") != std::string::npos; });
}

std::string AcmeLab::Issuer(std::string const& domain) const {
  return Get(fmt::format("https://{}/", domain), {"--write-out", "|%{certs}"});
}

unsigned AcmeLab::ModeOf(std::string const& file) {
  struct stat info {};
  return ::stat(file.c_str(), &info) == 0 ? info.st_mode & 0777U : 0;
}

}  // namespace trellis::plugins::gateway
