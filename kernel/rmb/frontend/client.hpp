// A program connected to the list front-end.
#pragma once

#include "kernel/rmb/frontend/commands.hpp"
#include "kernel/rmb/resp.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <memory>
#include <string>

namespace trellis::rmb {

class ListClient;

/// The front-end as its clients see it.
class ListHost {
 public:
  ListHost() = default;
  virtual ~ListHost() = default;
  ListHost(ListHost const&) = delete;
  ListHost& operator=(ListHost const&) = delete;

  virtual Commands& commands() = 0;
  /// The client waits for an element of the list.
  virtual void Wait(std::string const& list, std::shared_ptr<ListClient> client) = 0;
  virtual void StopWaiting(ListClient const* client) = 0;
  /// A client is gone.
  virtual void Left() = 0;
};

/// Kept alive by the operations under way on its socket. Belongs to the front-end's thread.
class ListClient : public std::enable_shared_from_this<ListClient> {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;
  static void Start(Socket socket, ListHost& host);
  ListClient(Socket socket, ListHost& host);

  /// Gives a waiting client its element. False: there is none for it.
  [[nodiscard]] bool TryServe();

 private:
  void Read();
  void RunCommands();
  void Block(BlockedPop wish);
  void Write(std::string answer);
  void Flush();
  void End();

  ListHost& host_;
  Socket socket_;
  boost::asio::steady_timer limit_;  // of the blocked pop
  RespReader reader_;
  std::array<char, 4096> buffer_{};
  std::optional<BlockedPop> blocked_;
  std::string out_;
  bool writing_ = false;
  bool reading_ = false;
  bool quit_ = false;
  bool ended_ = false;
};

}  // namespace trellis::rmb
