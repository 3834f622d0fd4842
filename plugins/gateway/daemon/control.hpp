// The forwarder's control socket. One thread.
#pragma once

#include "plugins/gateway/daemon/dns_server.hpp"
#include "plugins/gateway/daemon/forwarder.hpp"

#include <memory>
#include <string>
#include <unordered_map>

namespace trellis::plugins::gateway {

class Control {
 public:
  /// Listens at the path; who may connect is decided by the folder and the
  /// file's mode 0600.
  static Result<std::unique_ptr<Control>> Open(Loop& loop, Forwarder& forwarder, DnsServer& names,
                                               std::string const& path);
  ~Control();
  Control(Control const&) = delete;
  Control& operator=(Control const&) = delete;

 private:
  struct Client {
    UniqueFd fd;
    std::string text;  // of an unfinished line
  };
  Control(Loop& loop, Forwarder& forwarder, DnsServer& names, UniqueFd fd)
      : loop_(loop), forwarder_(forwarder), names_(names), fd_(std::move(fd)) {}
  void Accept();
  void Read(int fd);
  bool Answer(Client& client);
  ForwardReply Serve(ForwardRequest const& request);

  Loop& loop_;
  Forwarder& forwarder_;
  DnsServer& names_;
  UniqueFd fd_;
  std::unordered_map<int, Client> clients_;
};

}  // namespace trellis::plugins::gateway
