// The local control socket: every command with all rights, one JSON line each way.
#pragma once

#include "kernel/api/control_connection.hpp"
#include "kernel/api/router.hpp"
#include "kernel/engine/events.hpp"
#include "kernel/sys/fd.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace trellis::api {

/// `<run_dir>/control.sock`, mode 0600; only root and the daemon's own user may speak. Requests
/// `{"id","cmd","twin"?,"payload"?}`, answers `{"id","result"}` or
/// `{"id","error":{"code","message","reason"}}`. `local.events` (state changes, of one
/// {"twin","contract"} if given) and `local.logs` with {"follow":true} go on with
/// `{"id","event"}` lines until the client leaves.
class ControlServer {
 public:
  struct Options {
    std::filesystem::path path;
    std::uint32_t default_twin = 0;  ///< the node's
  };
  /// Threads: `control` accepts, one short-lived thread per connection (at most kMaxConnections).
  static Result<std::unique_ptr<ControlServer>> Start(Options options, Router& router,
                                                      engine::EventBus& events);
  /// Closes the socket and all connections.
  ~ControlServer();
  ControlServer(ControlServer const&) = delete;
  ControlServer& operator=(ControlServer const&) = delete;

 private:
  using Shared = std::shared_ptr<ControlConnection>;
  struct Client {
    Shared connection;
    std::jthread thread;
  };
  ControlServer(Options options, Router& router, engine::EventBus& events, sys::UniqueFd listener,
                sys::UniqueFd stop);
  void Accept();
  void Serve(Shared const& connection);
  void Handle(Shared const& connection, std::string_view line,
              std::vector<std::uint64_t>& subscriptions);
  std::uint64_t Watch(Shared const& connection, json::Value const& id, json::Value const& payload);

  Options options_;
  Router& router_;
  engine::EventBus& events_;
  sys::UniqueFd listener_;
  sys::UniqueFd stop_;         // an eventfd: readable = stop
  std::list<Client> clients_;  // accepting thread only, and the destructor after it
  std::jthread thread_;
};

}  // namespace trellis::api
