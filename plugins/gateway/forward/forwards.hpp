// The plugin's side of the forwarder trellis-nnc: its supervised process and
// what it is told. Not thread-safe.
#pragma once

#include "plugins/gateway/checks/request.hpp"
#include "plugins/gateway/config.hpp"
#include "plugins/gateway/daemon/messages.hpp"
#include "plugins/gateway/routes/record.hpp"

#include <trellis/host.hpp>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace trellis::plugins::gateway {

class Forwards {
 public:
  static constexpr std::uint32_t kFirstPort = 1024;
  static constexpr std::uint32_t kLastPort = 65535;

  /// `taken`: addresses (`<ip>|<port>`) that the proxy may connect to for other routes. They are
  /// given to nobody else even when nobody listens there, after a death of the process.
  using Taken = std::function<bool(std::string const& listen)>;

  Forwards(Host host, GatewayConfig const& config, Taken taken);

  /// Listens for each backend of the route and answers where, in their order; at the addresses
  /// that it had before when they are still free. Starts the process in `netns` when needed.
  Result<std::vector<std::string>> Set(Call& call, RouteRecord const& route,
                                       std::string const& netns);
  /// Ends listening and connections. OK when unknown, or when nothing runs.
  Result<void> Remove(std::string const& id) const;
  /// Of these routes, the ids of those that it does not forward as they say.
  /// What it forwards for others is ended.
  [[nodiscard]] Result<std::set<std::string>> Missing(
      std::map<std::string, RouteRecord> const& routes) const;
  [[nodiscard]] bool Holds(RouteRecord const& route) const;
  /// Answers questions about `_acme-challenge.<domain>` at the node's public addresses. Starts the
  /// process when needed.
  Result<void> ServeNames(Call& call, std::string const& domain,
                          std::vector<std::string> const& texts, NodeFacts const& facts);
  /// OK when nothing runs.
  Result<void> StopNames() const;
  /// OK when it does not run.
  Result<void> Stop(Call& call);

 private:
  Result<std::string> SetOne(ForwardSet wanted, std::vector<std::string> const& others);
  Result<void> Ensure(Call& call, std::string const& netns);
  [[nodiscard]] Result<ForwardReply> Ask(ForwardRequest const& request) const;
  [[nodiscard]] Result<std::vector<ForwardSet>> List(std::string const& id) const;

  Host host_;
  GatewayConfig const& config_;
  Taken taken_;
  std::string socket_;
  std::uint32_t next_port_ = kFirstPort;
};

}  // namespace trellis::plugins::gateway
