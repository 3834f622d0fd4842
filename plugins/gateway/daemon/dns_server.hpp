// Answers for the node's zone while a certificate is ordered. One thread.
#pragma once

#include "plugins/gateway/daemon/dns_zone.hpp"
#include "plugins/gateway/daemon/loop.hpp"
#include "plugins/gateway/daemon/messages.hpp"

#include <chrono>
#include <map>
#include <vector>

namespace trellis::plugins::gateway {

class DnsServer {
 public:
  explicit DnsServer(Loop& loop) : loop_(loop) {}
  ~DnsServer() { Stop(); }
  DnsServer(DnsServer const&) = delete;
  DnsServer& operator=(DnsServer const&) = delete;

  /// Listens at the addresses, over UDP and TCP; without texts it stops. kIo when an address is
  /// taken.
  Result<void> Serve(ServeDns const& wanted);
  /// Ends connections that say nothing.
  void LookAround();

 private:
  struct Client {
    UniqueFd fd;
    std::string text;  // of an unfinished message
    std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
  };
  void Stop();
  Result<void> Listen(std::string const& address);
  void AnswerPacket(int fd) const;
  void Accept(int fd);
  void Read(int fd);
  void End(int fd);

  Loop& loop_;
  DnsZone zone_;
  std::vector<std::string> addresses_;
  std::vector<UniqueFd> sockets_;
  std::map<int, Client> clients_;
};

}  // namespace trellis::plugins::gateway
