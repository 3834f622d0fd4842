// A node of its own per test: a network namespace with the node's public address, the plugin, and
// its proxy under a real supervisor.
#pragma once

#include "tests/support/fake_host.hpp"
#include "tests/support/http_server.hpp"
#include "tests/support/real_processes.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace trellis::plugins::gateway {

inline constexpr char const* kNodeIp = "10.60.0.1";
inline constexpr char const* kBackendIp = "10.50.0.1";
inline constexpr char const* kDomain = "gw.example.com";
inline constexpr char const* kNameType = "gateway-name-proxy";
inline constexpr char const* kFqdnType = "gateway-fqdn-proxy";

class GatewayLab : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// Starts the plugin; `more`: further configuration keys, beginning with a comma.
  void Load(std::string const& more = "");
  /// What the twin of the workloads holds on the ledger.
  void Reserve(std::string const& name);
  [[nodiscard]] static trellis::testing::CallOptions Options();
  [[nodiscard]] static std::string NameData(std::string const& name,
                                            std::vector<std::string> const& backends,
                                            bool passthrough = false);
  [[nodiscard]] static std::string FqdnData(std::string const& fqdn,
                                            std::vector<std::string> const& backends,
                                            bool passthrough = false);
  trellis::testing::Answer ProvisionName(std::string const& id, std::string const& name,
                                         std::string const& url);
  /// A backend that answers every request with `text`, and the head of its last request.
  std::string Serve(std::string const& text);
  [[nodiscard]] std::string last_request() const { return last_request_; }

  /// `<body>|<status>` of a request to the node; more of curl's options before the URL.
  [[nodiscard]] std::string Get(std::string const& url, std::vector<std::string> more = {}) const;
  /// The same, trusting nobody but the node's authority.
  [[nodiscard]] std::string GetTrusted(std::string const& url);
  /// What a command of the proxy's admin socket prints.
  std::string Admin(std::string const& command) const;
  [[nodiscard]] std::string ProxyDir() const;
  /// A process that the supervisor stops with the test.
  void Run(std::string const& name, std::vector<std::string> argv);
  /// Of a running process of the plugin; 0 when it does not run.
  [[nodiscard]] int PidOf(std::string const& name);
  [[nodiscard]] int ProxyPid() { return PidOf("gateway/haproxy"); }
  /// False when it does not hold within ten seconds.
  static bool Eventually(std::function<bool()> const& holds);

  trellis::testing::TempDir dir_;
  std::unique_ptr<trellis::testing::FakeHost> host_;
  std::unique_ptr<trellis::testing::RealProcesses> processes_;
  std::vector<std::unique_ptr<trellis::testing::HttpServer>> servers_;
  std::string last_request_;
};

}  // namespace trellis::plugins::gateway
