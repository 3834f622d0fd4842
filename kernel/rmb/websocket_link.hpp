// The link to a relay over a websocket, plain or TLS.
#pragma once

#include "kernel/rmb/inbox.hpp"
#include "kernel/rmb/link.hpp"

#include <trellis/result.hpp>

#include <string>
#include <string_view>

namespace trellis::rmb {

struct RelayUrl {
  bool tls = false;
  std::string host;
  std::string port;
  std::string path = "/";
  /// `host` or `host:port`, as a twin's relay string names it.
  [[nodiscard]] std::string domain() const;
};
/// `ws[s]://host[:port][/path]`. kInvalid.
Result<RelayUrl> ParseRelayUrl(std::string_view url);

/// Shows tokens signed by the identity's key. Pings after 20 s, connects again after 40 s without a
/// frame. When the relay refuses a token and its clock differs from ours, the next token is made
/// for the relay's clock.
[[nodiscard]] LinkMaker WebSocketLink(RelayUrl url, Identity const& identity);

}  // namespace trellis::rmb
