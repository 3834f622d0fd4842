// Ethernet frames as a machine or its attacker makes them, and a socket that sends and receives
// them in a namespace.
#pragma once

#include "plugins/common/posix/files.hpp"
#include "plugins/network/names.hpp"
#include "plugins/network/namespaces.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace trellis::plugins::network {

using Frame = std::string;

inline constexpr std::uint16_t kEtherIp4 = 0x0800;
inline constexpr std::uint16_t kEtherArp = 0x0806;
inline constexpr std::uint16_t kEtherVlan = 0x8100;
inline constexpr std::uint16_t kEtherIp6 = 0x86dd;

struct Ends {
  MacAddress from{};
  MacAddress to{};
};

Frame Ethernet(Ends const& ends, std::uint16_t type, std::string_view payload);
/// `text` over UDP between two addresses of one family, to port 9.
Frame Udp(Ends const& ends, IpAddress const& from, IpAddress const& to, std::uint16_t from_port,
          std::string_view text);
/// A reply that says `ip` is at `mac`.
Frame ArpReply(Ends const& ends, MacAddress const& mac, IpAddress const& ip);
/// A question of `ip` at `ends.from`: who has `target`?
Frame ArpRequest(Ends const& ends, IpAddress const& ip, IpAddress const& target);
/// An ICMPv6 message with hop limit 255; `body` follows the checksum.
Frame Icmp6(Ends const& ends, IpAddress const& from, IpAddress const& to, std::uint8_t type,
            std::string_view body);
/// What a router says: the prefix of the link, and that it leads outside.
Frame RouterAdvert(Ends const& ends, IpAddress const& router, IpNet const& prefix);
/// `target` is at the sender.
Frame NeighbourAdvert(Ends const& ends, IpAddress const& from, IpAddress const& target);

class FrameSocket {
 public:
  /// On `link` of the namespace `name`; "" = of the node.
  static Result<FrameSocket> Open(Namespaces const& namespaces, std::string const& name,
                                  std::string const& link);
  Result<void> Send(Frame const& frame) const;
  /// The next frame that came in; nullopt when none does in time.
  [[nodiscard]] std::optional<Frame> Receive(std::chrono::milliseconds limit) const;

 private:
  explicit FrameSocket(UniqueFd socket) : socket_(std::move(socket)) {}
  UniqueFd socket_;
};

}  // namespace trellis::plugins::network
