// The node's proxy: its folder, its supervised process, and its routes. Not thread-safe.
#pragma once

#include "plugins/gateway/config.hpp"
#include "plugins/gateway/haproxy/admin.hpp"
#include "plugins/gateway/haproxy/config_text.hpp"
#include "plugins/gateway/haproxy/crt_list.hpp"
#include "plugins/gateway/haproxy/live_map.hpp"
#include "plugins/gateway/haproxy/traffic.hpp"
#include "plugins/gateway/routes/record.hpp"

#include <trellis/host.hpp>

#include <set>
#include <string>
#include <vector>

namespace trellis::plugins::gateway {

/// What a look at the proxy put right.
struct Repairs {
  std::size_t entries = 0;   ///< of maps and of the list of certificates, and damaged files
  std::size_t restarts = 0;  ///< of the process, since the last look
};

class Proxy {
 public:
  Proxy(Host host, GatewayConfig const& config);

  /// Makes the folder with everything that a start reads.
  Result<void> Prepare(std::vector<RouteRecord> const& routes, std::string fallback_pem,
                       std::map<std::string, std::string> pem_by_domain);
  /// Starts the process in the namespace ("" = the host's) when it is not there, and waits until
  /// it listens. kUnavailable when it does not.
  Result<void> Ensure(Call& call, std::string const& netns);
  /// OK when it does not run.
  Result<void> Stop(Call& call);

  /// Makes the route live, or what is live of it as `route` says. The process must run.
  Result<void> SetRoute(RouteRecord const& route);
  /// The name first, so that nothing is half there.
  Result<void> RemoveRoute(RouteRecord const& route);
  /// Ends the open connections to these servers (`<ip>|<port>`).
  Result<void> Close(std::set<std::string> const& servers) {
    return CloseSessions(admin_, servers);
  }
  /// The first difference of the running process from the route; "" when there is none.
  Result<std::string> Difference(RouteRecord const& route) const;
  Result<void> SetCertificate(std::string const& domain, std::string const& pem) {
    return certificates_.Set(admin_, domain, pem);
  }
  Result<void> SetFallback(std::string const& pem) {
    return certificates_.SetFallback(admin_, pem);
  }
  Result<void> RemoveCertificate(std::string const& domain) {
    return certificates_.Remove(admin_, domain);
  }
  /// Serves the answer to a certificate authority's question; "" takes it back.
  Result<void> SetChallenge(std::string const& token, std::string const& answer);

  /// Brings a process that died or hangs back, and puts right what somebody else changed.
  Result<Repairs> Repair(Call& call, std::string const& netns);
  [[nodiscard]] Result<std::map<std::string, Traffic>> ReadCounters() const {
    return ReadTraffic(admin_);
  }
  /// Forgets the route's counters.
  Result<void> ClearCounters(std::string const& id);
  [[nodiscard]] bool running() const { return running_; }

 private:
  [[nodiscard]] std::string File(std::string_view name) const;
  [[nodiscard]] Result<ProcessSpec> Spec(std::string const& netns);
  [[nodiscard]] Hops WantedHops() const { return passthrough_.empty() ? Hops::kOne : Hops::kTwo; }
  /// Was it the last one?
  bool StopsPassing(std::string const& domain) {
    return passthrough_.erase(domain) != 0 && passthrough_.empty();
  }
  Result<std::size_t> RepairFixedFiles() const;
  Result<std::size_t> RepairFrontends();
  Result<void> Switch();
  [[nodiscard]] Result<std::string> Tell(std::string_view what, char const* frontend) const;
  Result<std::size_t> RepairEntries();
  Result<std::size_t> CountRestarts();
  Result<void> Revive(Call& call, std::string const& netns, Repairs& repairs);
  Result<void> Save();
  Result<void> WaitUntilItListens(Call& call) const;

  Host host_;
  GatewayConfig const& config_;
  std::string dir_;
  AdminSocket admin_;
  LiveMap routes_;
  LiveMap servers_;
  LiveMap acme_;
  CrtList certificates_;
  ProxySettings settings_;
  std::set<std::string> passthrough_;  // domains; without any port 443 ends TLS at once
  bool running_ = false;
  std::uint32_t seen_restarts_ = 0;
};

}  // namespace trellis::plugins::gateway
