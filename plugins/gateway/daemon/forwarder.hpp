// Listens for the proxy and forwards into user networks. One thread.
#pragma once

#include "plugins/gateway/daemon/connection.hpp"
#include "plugins/gateway/daemon/messages.hpp"
#include "plugins/gateway/daemon/namespace_watch.hpp"

#include <map>
#include <memory>
#include <string>
#include <utility>

namespace trellis::plugins::gateway {

class Forwarder {
 public:
  /// `descriptors`: how many the process may have.
  static Result<std::unique_ptr<Forwarder>> Open(Loop& loop, std::size_t descriptors);
  ~Forwarder();
  Forwarder(Forwarder const&) = delete;
  Forwarder& operator=(Forwarder const&) = delete;

  /// Never fails: what goes wrong is in the reply.
  ForwardReply Serve(ForwardRequest const& request);
  /// Ends connections that were not made in time, and looks for each network whether it is there.
  /// Looks at all, so not for every event.
  void LookAround();

 private:
  using Key = std::pair<std::string, std::uint32_t>;
  struct Listener {
    ForwardSet forward;
    Place place;
    std::uint16_t port = 0;
    std::uint64_t network = 0;  // the namespace that it forwards into; 0 = it is gone
    UniqueFd fd;                // only while it is there: the proxy must be refused at once
    std::map<Connection*, std::unique_ptr<Connection>> connections;
  };

  Forwarder(Loop& loop, std::size_t descriptors) : loop_(loop), descriptors_(descriptors) {}
  Result<void> Set(ForwardSet const& wanted);
  void Delete(std::string const& id);
  void Delete(Key const& key);
  void Accept(Key const& key);
  Result<void> Look(Key const& key, Listener& listener, std::uint64_t network);
  void LookAt(std::string const& netns);
  Result<void> Listen(Key const& key, Listener& listener);
  void End(Listener& listener);
  [[nodiscard]] bool HasRoom() const;

  Loop& loop_;
  std::size_t descriptors_;
  std::unique_ptr<NamespaceWatch> watch_;
  std::map<Key, Listener> listeners_;
  std::map<std::uint16_t, Key> ports_;
  std::size_t open_ = 0;  // connections
};

}  // namespace trellis::plugins::gateway
