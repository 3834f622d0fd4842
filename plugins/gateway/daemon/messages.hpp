// What plugin and forwarder say to each other: one JSON line each way.
#pragma once

#include <trellis/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace trellis::plugins::gateway {

/// Listens for one backend of a route, as long as the network is there. Who asks knows which ports
/// are free: the proxy may still connect to one that nobody listens at.
struct ForwardSet {
  std::string id;  ///< of the route
  std::uint32_t i = 0;
  std::string netns;   ///< absolute path of the user network's namespace
  std::string target;  ///< `<ip>|<port>` in there
  std::string listen;  ///< `<ip>|<port>`
  bool operator==(ForwardSet const&) const = default;
};
BOOST_DESCRIBE_STRUCT(ForwardSet, (), (id, i, netns, target, listen))

/// Stops listening for all backends of a route and ends their connections. Done
/// when unknown.
struct ForwardDelete {
  std::string id;
};
BOOST_DESCRIBE_STRUCT(ForwardDelete, (), (id))

/// All of a route, or of every one.
struct ForwardList {
  std::string id;  ///< "" = all
};
BOOST_DESCRIBE_STRUCT(ForwardList, (), (id))

/// Answers questions about one name, which proves the node's domain to a certificate authority.
struct ServeDns {
  std::string name;                 ///< of the zone
  std::string server;               ///< its name server
  std::vector<std::string> txt;     ///< none = stops
  std::vector<std::string> listen;  ///< `ip:port`
};
BOOST_DESCRIBE_STRUCT(ServeDns, (), (name, server, txt, listen))

/// Exactly one of them.
struct ForwardRequest {
  std::optional<ForwardSet> set;
  std::optional<ForwardDelete> del;
  std::optional<ForwardList> list;
  std::optional<ServeDns> dns;
};
BOOST_DESCRIBE_STRUCT(ForwardRequest, (), (set, del, list, dns))

/// All forwards listen at this address, of 127.64.0.0/10, which no backend may name.
inline constexpr char const* kForwardIp = "127.64.0.2";

struct ForwardReply {
  std::string error;                 ///< "" = done
  std::vector<ForwardSet> forwards;  ///< of `list`
};
BOOST_DESCRIBE_STRUCT(ForwardReply, (), (error, forwards))

}  // namespace trellis::plugins::gateway
