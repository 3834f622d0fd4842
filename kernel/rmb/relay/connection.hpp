// One TCP connection to the relay: HTTP requests first, then, after a token, a websocket session of
// a twin.
#pragma once

#include "kernel/rmb/relay/frame.hpp"
#include "kernel/rmb/relay/http_reader.hpp"
#include "kernel/rmb/relay/hub.hpp"
#include "kernel/rmb/relay/transport.hpp"
#include "kernel/rmb/token.hpp"

#include <deque>
#include <memory>
#include <string>

namespace trellis::rmb {

/// Owns itself until it is abandoned. Belongs to the relay's I/O thread.
class Connection final : public std::enable_shared_from_this<Connection>,
                         public Tracked,
                         public Reader,
                         private FrameDecoder::Sink {
 public:
  static void Start(std::unique_ptr<Transport> transport, Hub& hub);
  Connection(std::unique_ptr<Transport> transport, Hub& hub);
  ~Connection() override;

  // ---- Reader: of its session's mailbox ----
  void Wake() override;
  void Lost(Loss loss) override;

  /// Writes what is there to write, as far as the socket takes it.
  void Flush();
  /// Says goodbye and ends.
  void Close(CloseCode code);
  /// Ends without a word.
  void Abandon();
  /// Ends when it was silent, slow or half-open for too long.
  void CheckTime(std::int64_t now);

  [[nodiscard]] Address const& session() const { return session_; }
  [[nodiscard]] bool is_session() const { return mailbox_ != nullptr; }
  [[nodiscard]] std::size_t held_bytes() const { return held_; }

 private:
  enum class State : std::uint8_t {
    kHttp,       ///< reads requests
    kBusy,       ///< an answer is being found; nothing is read
    kAnswering,  ///< an answer goes out, then the next request is read
    kOpen,       ///< a session
    kClosing,    ///< the last bytes go out
    kDraining,   ///< waits for the other side to close
    kGone
  };

  // connection.cpp: reading and ending
  [[nodiscard]] bool reads() const;
  void AwaitRead();
  void OnReadable();
  void Consume(std::span<char> bytes);
  bool OnMessage(std::string bytes) override;
  bool OnPing(std::string_view payload) override;
  bool OnClose() override;
  void RouteWaiting();
  void OnTwin(TwinCache::Found const& twin);
  void UpdateHeld();
  void LeaveSession();

  // connection_http.cpp: requests
  void OnHttp(std::string_view bytes);
  void HandleRequest();
  void Answer(unsigned status, std::string_view text, std::string_view type = "text/plain");
  void Refuse(unsigned status, std::string_view text);
  void TakeFederated(std::string body);
  void CheckToken(HttpRequest const& request);
  void VerifyToken(Token token, std::string key, TwinCache::Found const& twin);
  void OpenSession(TokenClaims const& claims, std::string const& key);

  // connection_write.cpp
  void AwaitWrite();
  void Send(std::string bytes);
  [[nodiscard]] Transfer WriteOnce(std::int64_t now);
  void Advance(std::size_t bytes, std::int64_t now);
  void AfterWrite();

  [[nodiscard]] Hub::Parts& parts() { return hub_.parts(); }

  Hub& hub_;
  std::shared_ptr<Connection> self_;  // until it is abandoned
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<HttpReader> http_;  // until it is a session
  FrameDecoder decoder_;
  Address session_;
  Mailbox* mailbox_ = nullptr;  // while it is a session
  Letters waiting_;             // received, until the twin of the first is looked up
  std::string out_;             // goes out before the mailbox: answers, pongs, goodbye
  std::size_t out_sent_ = 0;
  std::size_t progress_ = 0;        // bytes written since stalled_since_
  std::size_t held_ = 0;            // as the hub knows it
  std::uint64_t caller_ = 0;        // who is at the other end, for fair turns
  std::int64_t last_read_ = 0;      // unix seconds
  std::int64_t begun_ = 0;          // when the incomplete message or request began; 0 = none
  std::int64_t stalled_since_ = 0;  // when the socket stopped taking bytes; 0 = it takes them
  State state_ = State::kHttp;
  bool was_session_ = false;
  bool keep_alive_ = false;
  bool looking_up_ = false;
  bool dirty_ = false;
  bool reading_ = false;  // a wait for readability is under way
  bool writing_ = false;  // a wait for writability is under way
};

}  // namespace trellis::rmb
