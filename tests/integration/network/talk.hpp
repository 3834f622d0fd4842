// TCP between namespaces: who gets through to whom.
#pragma once

#include "plugins/common/posix/files.hpp"
#include "plugins/network/namespaces.hpp"

#include <trellis/net.hpp>

#include <chrono>
#include <string>

namespace trellis::plugins::network {

enum class Talk { kConnected, kRefused, kSilent };

/// Somebody who accepts connections on all addresses of the namespace; "" = of the node.
Result<UniqueFd> Listen(Namespaces const& namespaces, std::string const& name, std::uint16_t port);
/// What becomes of a connection from the namespace `from` within `limit`.
Talk Connect(Namespaces const& namespaces, std::string const& from, IpAddress const& to,
             std::uint16_t port, std::chrono::milliseconds limit);
/// Tries until it is connected or patience is over: routes and neighbours come in their own time.
bool Connects(Namespaces const& namespaces, std::string const& from, std::string const& to,
              std::uint16_t port);

/// What arrives over UDP at a port of a namespace; "" = of the node.
class Ear {
 public:
  static Result<Ear> Open(Namespaces const& namespaces, std::string const& name,
                          std::uint16_t port);
  /// The next text; "" when none comes in time.
  [[nodiscard]] std::string Next(std::chrono::milliseconds limit) const;

 private:
  explicit Ear(UniqueFd socket) : socket_(std::move(socket)) {}
  UniqueFd socket_;
};
/// A datagram from the namespace `from`; it may get lost.
void Say(Namespaces const& namespaces, std::string const& from, std::string const& to,
         std::uint16_t port, std::string const& text);

}  // namespace trellis::plugins::network
