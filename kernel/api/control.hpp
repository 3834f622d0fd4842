// The local control socket: every command with all rights, one JSON line each way.
#pragma once

#include "kernel/api/router.hpp"
#include "kernel/engine/events.hpp"
#include "kernel/sys/fd.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <atomic>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace trellis::api {

/// `<run_dir>/control.sock`, mode 0600; only root and the daemon's own user may speak. Requests
/// `{"id","cmd","twin"?,"payload"?}`, answers `{"id","result"}` or
/// `{"id","error":{"code","message","reason"}}`; `local.events` adds `{"id","event"}` lines until
/// the client leaves.
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
  struct Connection;
  ControlServer(Options options, Router& router, engine::EventBus& events, sys::UniqueFd listener,
                sys::UniqueFd stop);
  void Accept();
  void Serve(Connection& connection);
  void Handle(std::shared_ptr<Connection> const& connection, std::string_view line);
  void Watch(std::shared_ptr<Connection> const& connection, json::Value const& id,
             json::Value const& payload);

  Options options_;
  Router& router_;
  engine::EventBus& events_;
  sys::UniqueFd listener_;
  sys::UniqueFd stop_;  // an eventfd: readable = stop
  std::mutex mutex_;    // guards connections_
  std::list<std::shared_ptr<Connection>> connections_;
  std::jthread thread_;
};

}  // namespace trellis::api
