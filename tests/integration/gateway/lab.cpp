#include "tests/integration/gateway/lab.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/tool.hpp"
#include "plugins/gateway/haproxy/admin.hpp"
#include "tests/support/own_namespaces.hpp"
#include "tests/support/patience.hpp"

#include <trellis/services/net.hpp>

#include <sys/stat.h>

#include <thread>

namespace trellis::plugins::gateway {

namespace {

using trellis::testing::kPatience;

void Tool(std::vector<std::string> const& argv) {
  auto const done = RunTool(argv, kPatience);
  ASSERT_TRUE(done) << done.error().message;
}

}  // namespace

void GatewayLab::SetUp() {
  ASSERT_NO_FATAL_FAILURE(trellis::testing::EnterOwnNamespaces());
  Tool({"ip", "link", "set", "lo", "up"});
  for (auto const* const address : {kNodeIp, kBackendIp})
    Tool({"ip", "address", "add", std::string(address) + "/32", "dev", "lo"});
  host_ = std::make_unique<trellis::testing::FakeHost>();
  processes_ = std::make_unique<trellis::testing::RealProcesses>(*host_, dir_.path());
  host_->FakeService(services::kNetPublic, [](auto, auto) -> Result<std::string> {
    services::NodePublicConfig config;
    config.ipv4 = std::string(kNodeIp) + "/24";
    config.domain = kDomain;
    return json::Dump(services::PublicConfigInfo{config, ""});
  });
}

void GatewayLab::TearDown() {
  if (host_) (void)host_->Unload("gateway");  // a test may have done so
  processes_.reset();
  host_.reset();
}

void GatewayLab::Load(std::string const& more) {
  auto const loaded =
      host_->Load(trellis::testing::FakeHost::BuiltPlugin("gateway"),
                  R"({"verify_dns":false,"forwarder":")" TRELLIS_BUILD_DIR
                  R"(/bin/trellis-nnc","listener":")" TRELLIS_BUILD_DIR R"(/bin/trellis-listen")" +
                      more + "}");
  ASSERT_TRUE(loaded) << loaded.error().message;
}

void GatewayLab::Reserve(std::string const& name) {
  host_->SetNameOwner(name, std::string(R"({"contract_id":5,"twin_id":7,"type":"name",)"
                                        R"("state":"created"})"));
}

trellis::testing::CallOptions GatewayLab::Options() {
  trellis::testing::CallOptions options;
  options.twin_id = 7;
  options.contract_id = 100;
  return options;
}

std::string GatewayLab::NameData(std::string const& name, std::vector<std::string> const& backends,
                                 bool passthrough) {
  return fmt::format(R"({{"name":"{}","tls_passthrough":{},"backends":{}}})", name, passthrough,
                     json::Dump(backends));
}

std::string GatewayLab::FqdnData(std::string const& fqdn, std::vector<std::string> const& backends,
                                 bool passthrough) {
  return fmt::format(R"({{"fqdn":"{}","tls_passthrough":{},"backends":{}}})", fqdn, passthrough,
                     json::Dump(backends));
}

trellis::testing::Answer GatewayLab::ProvisionName(std::string const& id, std::string const& name,
                                                   std::string const& url) {
  Reserve(name);
  return host_->Provision(kNameType, id, NameData(name, {url}), Options());
}

std::string GatewayLab::Serve(std::string const& text) {
  servers_.push_back(std::make_unique<trellis::testing::HttpServer>(
      [this, text](std::string const& request) {
        last_request_ = request;
        return trellis::testing::HttpResponse("200 OK", text);
      },
      kBackendIp));
  return servers_.back()->url();
}

std::string GatewayLab::Get(std::string const& url, std::vector<std::string> more) const {
  std::vector<std::string> argv{"curl",
                                "--silent",
                                "--max-time",
                                "60",
                                "--noproxy",
                                "*",
                                "--write-out",
                                "|%{http_code}",
                                "--insecure",
                                "--connect-to",
                                fmt::format("::{}:", kNodeIp)};
  argv.insert(argv.end(), more.begin(), more.end());
  argv.push_back(url);
  auto const done = RunTool(argv, kPatience);
  return done ? *done : done.error().message;
}

std::string GatewayLab::GetTrusted(std::string const& url) {
  auto const authority = host_->Command("zos.x.gateway.authority", "");
  if (!authority) return authority.error().message;
  auto const pem = json::Parse<std::string>(*authority);
  auto const file = dir_ / "authority.pem";
  if (!pem || !WriteFile(file, *pem, 0600)) return "no authority";
  // The last one of two contrary options counts.
  return Get(url, {"--no-insecure", "--cacert", file});
}

std::string GatewayLab::ProxyDir() const {
  return host_->dir() + "/run/gateway/proxy";
}

std::string GatewayLab::Admin(std::string const& command) const {
  auto const reply = AdminSocket(ProxyDir() + "/admin.sock").Run(command);
  return reply ? *reply : reply.error().message;
}

void GatewayLab::Run(std::string const& name, std::vector<std::string> argv) {
  ProcessSpec spec;
  spec.argv = std::move(argv);
  spec.restart = "never";
  spec.env = {{"PEBBLE_VA_NOSLEEP", "1"}};
  auto const started = processes_->Run("test/" + name, spec);
  ASSERT_TRUE(started) << started.error().message;
}

int GatewayLab::PidOf(std::string const& name) {
  return processes_->PidOf(name);
}

bool GatewayLab::Eventually(std::function<bool()> const& holds) {
  auto const until = std::chrono::steady_clock::now() + kPatience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

}  // namespace trellis::plugins::gateway
