// Members that want certificates, or a user.
#include "kernel/base/random.hpp"
#include "kernel/ledger/etcd/etcd_ledger.hpp"
#include "tests/support/etcd/etcd_cluster.hpp"
#include "tests/support/ledger_grid.hpp"
#include "tests/support/patience.hpp"
#include "tests/support/temp_dir.hpp"

namespace trellis::ledger {
namespace {

using namespace std::chrono_literals;

/// ca.pem, and cert.pem with key.pem that the CA signed for `address`.
void MakeCertificates(std::filesystem::path const& dir, std::string const& address) {
  auto const path = [&](char const* name) { return (dir / name).string(); };
  auto const run = [](std::vector<std::string> argv) {
    argv.insert(argv.begin(), {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                               "ec_paramgen_curve:P-256", "-nodes", "-days", "2"});
    auto const made = sys::RunTool(argv, testing::kPatience);
    ASSERT_TRUE(made) << made.error().message;
  };
  run({"-keyout", path("ca.key"), "-out", path("ca.pem"), "-subj", "/CN=signer"});
  run({"-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-keyout", path("key.pem"), "-out",
       path("cert.pem"), "-subj", "/CN=member", "-addext", "subjectAltName=IP:" + address,
       "-addext", "extendedKeyUsage=serverAuth,clientAuth"});
}

std::string LoopbackAddress() {
  return fmt::format("127.{}.{}.9", 16 + RandomBelow(200), RandomBelow(250));
}

Result<std::uint64_t> AddTwin(EtcdOptions const& options, std::uint8_t number) {
  TRELLIS_TRY(auto const ledger, EtcdLedger::Open(options));
  return ledger->Submit(By(0), CreateTwin{.account = AccountOf(number), .relay = {}, .pk = {}});
}

class EtcdTls : public ::testing::Test {
 protected:
  void SetUp() override {
    auto const address = LoopbackAddress();
    MakeCertificates(dir_.path(), address);
    EtcdCluster::Options options;
    options.members = 1;
    options.addresses = {address};
    options.tls = dir_.path();
    auto started = EtcdCluster::Start(options);
    ASSERT_TRUE(started) << started.error().message;
    cluster_ = *std::move(started);
    options_ = cluster_->NewLedger();
    options_.ca_file = dir_ / "ca.pem";
    options_.cert_file = dir_ / "cert.pem";
    options_.key_file = dir_ / "key.pem";
  }

  testing::TempDir dir_;
  std::unique_ptr<EtcdCluster> cluster_;
  EtcdOptions options_;
};

TEST_F(EtcdTls, ServesWhoShowsACertificate) {
  auto const id = AddTwin(options_, 1);

  ASSERT_TRUE(id) << id.error().message;
  auto const ledger = EtcdLedger::Open(options_);
  EXPECT_TRUE((*ledger)->Wait(0, testing::kPatience).value());
  EXPECT_FALSE((*ledger)->Wait(1, 300ms).value());
}

TEST_F(EtcdTls, RefusesWhoShowsNone) {
  options_.write_patience = 1s;
  options_.cert_file.clear();
  options_.key_file.clear();

  auto const id = AddTwin(options_, 1);

  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, Code::kUnavailable);
}

TEST_F(EtcdTls, IsNotTrustedWithoutItsSigner) {
  testing::TempDir other;
  MakeCertificates(other.path(), "127.0.0.1");
  options_.ca_file = other / "ca.pem";
  options_.write_patience = 1s;

  auto const id = AddTwin(options_, 1);

  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, Code::kUnavailable);
}

class EtcdUsers : public ::testing::Test {
 protected:
  void SetUp() override {
    EtcdCluster::Options options;
    options.members = 1;
    auto started = EtcdCluster::Start(options);
    ASSERT_TRUE(started) << started.error().message;
    cluster_ = *std::move(started);
    for (auto const& [target, body] : std::vector<std::pair<std::string, std::string>>{
             {"user/add", R"({"name":"root","password":"secret"})"},
             {"role/add", R"({"name":"root"})"},
             {"user/grant", R"({"user":"root","role":"root"})"},
             {"enable", "{}"}}) {
      auto const done = cluster_->Call("/v3/auth/" + target, body);
      ASSERT_TRUE(done) << done.error().message;
    }
    options_ = cluster_->NewLedger();
    options_.user = "root";
    options_.password = "secret";
  }

  std::unique_ptr<EtcdCluster> cluster_;
  EtcdOptions options_;
};

TEST_F(EtcdUsers, LogIn) {
  auto const ledger = EtcdLedger::Open(options_);

  auto const id = AddTwin(options_, 1);

  ASSERT_TRUE(id) << id.error().message;
  EXPECT_TRUE((*ledger)->Wait(0, testing::kPatience).value());
}

TEST_F(EtcdUsers, WithWrongPasswordGetNothing) {
  options_.password = "wrong";
  options_.write_patience = 1s;

  auto const id = AddTwin(options_, 1);

  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, Code::kUnavailable);
  EXPECT_NE(id.error().message.find("authentication failed"), std::string::npos)
      << id.error().message;
  EXPECT_EQ(id.error().message.find("wrong"), std::string::npos);
}

TEST_F(EtcdUsers, StayAfterRolesWereChanged) {
  auto const ledger = EtcdLedger::Open(options_);
  ASSERT_TRUE((*ledger)->Submit(By(0), CreateTwin{.account = AccountOf(1), .relay = {}, .pk = {}}));
  auto const login =
      cluster_->Call("/v3/auth/authenticate", R"({"name":"root","password":"secret"})");
  ASSERT_TRUE(login);
  auto const token = json::ParseValue(*login)->at("token").as_string();
  ASSERT_TRUE(cluster_->Call("/v3/auth/role/add", R"({"name":"other"})", std::string(token)));

  EXPECT_EQ((*ledger)->TwinByAccount(AccountOf(1)).value(), 1);
}

}  // namespace
}  // namespace trellis::ledger
