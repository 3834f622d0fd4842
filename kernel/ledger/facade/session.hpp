// One client of the façade: an HTTP upgrade first, then JSON-RPC over a websocket.
#pragma once

#include "kernel/ledger/facade/methods.hpp"

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace trellis::ledger::facade {

class Session;

/// An extrinsic in hex and half as much again.
inline constexpr std::size_t kMaxMessage = 3 * substrate::kMaxExtrinsic;
inline constexpr std::size_t kMaxRequests = 100;      ///< in one message
inline constexpr std::size_t kMaxSubscriptions = 64;  ///< of one session
inline constexpr std::size_t kMaxWatchedKeys = 64;    ///< of one storage subscription
inline constexpr std::size_t kMaxSubmissions = 64;    ///< of one session, waiting for their turn
inline constexpr std::size_t kPauseReading = std::size_t{1} << 20U;  ///< bytes not yet sent
inline constexpr std::size_t kMaxUnsent = std::size_t{8} << 20U;     ///< then the session ends

/// The façade as its sessions see it. All calls on the façade's thread.
class SessionOwner {
 public:
  SessionOwner() = default;
  virtual ~SessionOwner() = default;
  SessionOwner(SessionOwner const&) = delete;
  SessionOwner& operator=(SessionOwner const&) = delete;

  virtual Chain& chain() = 0;
  /// The newest block; all up to it are told to those who wait for blocks.
  virtual Result<std::uint64_t> Head() = 0;
  [[nodiscard]] virtual std::uint64_t finalized() const = 0;
  [[nodiscard]] virtual bool full() const = 0;
  virtual void Add(std::shared_ptr<Session> session) = 0;
  virtual void Remove(Session* session) = 0;
  /// Applies it on another thread; `done` is called on the façade's.
  virtual void Submit(crypto::Bytes extrinsic, std::function<void(Result<Included>)> done) = 0;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  /// Reads the request and goes on by itself.
  static void Start(boost::asio::ip::tcp::socket socket, SessionOwner& owner);
  Session(boost::asio::ip::tcp::socket socket, SessionOwner& owner);

  /// A new block; every one is told, in order.
  void OnBlock(embedded::Block const& block);
  /// Blocks up to `height` are final.
  void OnFinal(embedded::Block const& block);
  void Close();

 private:
  enum class Topic : std::uint8_t {
    kNewHeads,
    kAllHeads,
    kFinalHeads,
    kRuntime,
    kStorage,
    kExtrinsic
  };
  struct Subscription {
    Topic topic = Topic::kNewHeads;
    boost::json::array keys{};                   // storage: what is watched
    std::map<std::string, json::Value> known{};  // storage: the values last told
    Included included{};                         // extrinsic: where it is
  };
  struct Submission {
    crypto::Bytes extrinsic;
    std::function<void(Result<Included>)> done;
  };
  /// Gives the answer to one request; nothing for a request without id.
  using Reply = std::function<void(json::Value)>;

  void HandleUpgrade();
  void Refuse(boost::beast::http::status status, std::string text);
  void ReadMessage();
  void OnMessage(std::string_view text);
  void OnRequest(json::Value const& request, Reply const& reply);
  RpcResult Call(std::string_view method, boost::json::array const& params);
  RpcResult Subscribe(Topic topic, boost::json::array const& params);
  RpcResult Unsubscribe(boost::json::array const& params);
  void SubmitExtrinsic(boost::json::array const& params, bool watch, json::Value id, Reply reply);
  void NextSubmission();
  void Notify(std::string const& id, Topic topic, json::Value result);
  void TellStorage(std::string const& id, Subscription& subscription, embedded::Block const& block);
  void Send(json::Value const& message);
  void Write();
  void Gone();

  SessionOwner& owner_;
  boost::beast::websocket::stream<boost::beast::tcp_stream> ws_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::empty_body>> parser_;
  bool open_ = false;               // the websocket is accepted and registered
  bool paused_ = false;             // reads again when enough is sent
  std::deque<std::string> unsent_;  // the first is being written
  std::size_t unsent_bytes_ = 0;
  std::deque<Submission> submissions_;  // the first is being applied
  std::map<std::string, Subscription> subscriptions_;
  std::uint64_t next_subscription_ = 1;
};

}  // namespace trellis::ledger::facade
