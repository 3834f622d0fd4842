// A node beside an authority that speaks the public one's protocol: Debian's pebble, which also
// refuses good nonces now and then. Its questions about names go to the node where they are about
// what the node's domain delegates to it, else to a name server that knows the node's address for
// every name.
#pragma once

#include "tests/integration/gateway/lab.hpp"

#include <thread>

namespace trellis::plugins::gateway {

/// Signed by itself, with its key.
std::string SelfSigned(std::string const& domain, long days_ago, long days_left);

class AcmeLab : public GatewayLab {
 protected:
  void SetUp() override;
  void TearDown() override;
  /// Starts the plugin with the authority; `more`: further keys of `acme`.
  void LoadAcme(std::string const& more = "");
  /// The names of the domain lead to this address instead of the node.
  void PointAt(std::string const& domain, std::string const& ip) const;
  [[nodiscard]] std::string KeptFile(std::string const& name) const {
    return host_->dir() + "/state/gateway/acme/" + name;
  }
  [[nodiscard]] bool IsIssued(std::string const& domain) const;
  /// What curl tells of the certificates that the node shows.
  [[nodiscard]] std::string Issuer(std::string const& domain) const;
  static unsigned ModeOf(std::string const& file);

 private:
  std::jthread names_;
};

}  // namespace trellis::plugins::gateway
