// A node of its own per test: fresh network and mount namespaces, a host with the plugin, and
// guests that are namespaces on a network's bridge.
#pragma once

#include "plugins/network/links.hpp"
#include "plugins/network/namespaces.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/real_processes.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

namespace trellis::plugins::network {

class NetworkLab : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// What is to be there before the plugin.
  virtual void BeforeLoad() {}
  void Load();
  /// Of the plugin, as JSON.
  [[nodiscard]] virtual std::string Config() const;
  /// Data of a network 10.1.0.0/16 with this listen port.
  static std::string Data(unsigned port, std::string const& subnet = "10.1.2.0/24");
  trellis::testing::Answer Provision(std::string const& id, unsigned port);
  /// A guest with this address on the twin's network `name`, as a machine would configure it.
  void AddGuest(std::string const& guest, std::string const& net_id, std::string const& address);
  /// A host `outside` beyond the node, 198.51.100.9, that knows no way back to any network: answers
  /// need the node's masquerade. The node has 198.51.100.1 there.
  void AddInternet();
  /// Comes an echo request from the guest back sooner or later?
  bool Reaches(std::string const& guest, std::string const& target);
  /// None within a second.
  bool IsCutOff(std::string const& guest, std::string const& target);
  std::vector<std::string> LinksHere();

  std::string dir_;
  std::unique_ptr<trellis::testing::FakeHost> host_;
  std::unique_ptr<trellis::testing::RealProcesses> processes_;
  std::optional<Namespaces> namespaces_;

 private:
  bool Ping(std::string const& guest, std::string const& target, std::chrono::seconds limit);
};

}  // namespace trellis::plugins::network
