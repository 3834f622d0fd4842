// Which certificate answers for which domain. Not thread-safe.
#pragma once

#include "plugins/gateway/certs/node_ca.hpp"
#include "plugins/gateway/config.hpp"
#include "plugins/gateway/routes/record.hpp"

#include <memory>
#include <string>

namespace trellis::plugins::gateway {

/// Of the modes `selfsigned` (the node's own authority), `files` and `acme`,
/// `none yet` (ordered). What cannot be had is answered with a certificate of
/// the node's own, so that a route never waits for one.
/// Of a route whose certificate is ordered.
inline constexpr char const* kNoneYet = "none yet";

class Certificates {
 public:
  /// Keeps the authority and what it signs in `state_dir`.
  Certificates(GatewayConfig const& config, std::string state_dir)
      : config_(config), state_dir_(std::move(state_dir)) {}

  Result<void> Open();
  /// For connections to names without one: the wildcard of the node's domain ("" = it has none).
  Result<std::string> Fallback(std::string const& domain);
  /// PEM for the route; "" when the fallback answers or TLS is none of the node's.
  Result<std::string> For(RouteRecord const& route);
  /// With `acme`: what is ordered for the route, its domain or `*.<domain>` of the node; "" =
  /// nothing.
  [[nodiscard]] std::string OrderOf(RouteRecord const& route) const;
  /// Must it be ordered now?
  [[nodiscard]] bool Needs(std::string const& order) const;
  /// What was issued.
  Result<void> Keep(std::string const& order, std::string const& pem) const;
  /// Where the account with the authority is kept.
  [[nodiscard]] std::string acme_dir() const { return state_dir_ + "/acme"; }
  /// Removes what the node signed for the domain. What was ordered stays while
  /// it is good.
  Result<void> Forget(RouteRecord const& route) const;
  /// Of the node's own authority.
  [[nodiscard]] std::string const& authority() const { return ca_->pem(); }
  /// Where the route's certificate is from: `passthrough`, `wildcard`,
  /// `selfsigned`, `file`, `acme`, `none yet`.
  [[nodiscard]] std::string Kind(RouteRecord const& route) const;

 private:
  [[nodiscard]] std::string Ordered(std::string const& order) const;
  [[nodiscard]] bool WantsOwn(RouteRecord const& route) const;
  [[nodiscard]] std::string FileOf(std::string const& name) const;
  [[nodiscard]] std::string OrderedFile(std::string const& order) const;
  [[nodiscard]] std::string GivenFile(std::string const& fqdn) const;
  Result<std::string> Own(std::string const& file, std::vector<std::string> const& names);

  GatewayConfig const& config_;
  std::string state_dir_;
  std::unique_ptr<NodeCa> ca_;
};

}  // namespace trellis::plugins::gateway
