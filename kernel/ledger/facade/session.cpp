#include "kernel/ledger/facade/session.hpp"

#include <chrono>

namespace trellis::ledger::facade {

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using boost::json::array;
using boost::json::object;
using boost::system::error_code;

namespace {

constexpr std::size_t kMaxHeader = 16'384;
constexpr std::chrono::seconds kRequestTime(30);
constexpr std::chrono::seconds kSilence(120);  // pings go out after half of it

json::Value ErrorMessage(RpcError const& error, json::Value const& id) {
  object body{{"code", static_cast<int>(error.code)}, {"message", error.message}};
  if (!error.data.empty()) body["data"] = error.data;
  return object{{"jsonrpc", "2.0"}, {"id", id}, {"error", std::move(body)}};
}

json::Value AnswerMessage(RpcResult const& result, json::Value const& id) {
  if (!result) return ErrorMessage(result.error(), id);
  return object{{"jsonrpc", "2.0"}, {"id", id}, {"result", *result}};
}

/// The answers of one message with several requests: sent when all are there.
struct BatchReply {
  array answers;
  std::size_t missing = 0;
};

}  // namespace

void Session::Start(boost::asio::ip::tcp::socket socket, SessionOwner& owner) {
  auto const session = std::make_shared<Session>(std::move(socket), owner);
  session->parser_.emplace();
  session->parser_->header_limit(kMaxHeader);
  beast::get_lowest_layer(session->ws_).expires_after(kRequestTime);
  http::async_read(session->ws_.next_layer(), session->buffer_, *session->parser_,
                   [session](error_code error, std::size_t) {
                     if (!error) session->HandleUpgrade();
                   });
}

Session::Session(boost::asio::ip::tcp::socket socket, SessionOwner& owner)
    : owner_(owner), ws_(std::move(socket)) {
  error_code ignored;
  beast::get_lowest_layer(ws_).socket().set_option(boost::asio::ip::tcp::no_delay(true), ignored);
}

void Session::HandleUpgrade() {
  if (!websocket::is_upgrade(parser_->get()))
    return Refuse(http::status::upgrade_required, "this is a websocket\n");
  if (owner_.full()) return Refuse(http::status::service_unavailable, "too many connections\n");
  beast::get_lowest_layer(ws_).expires_never();
  websocket::stream_base::timeout timeout{};
  timeout.handshake_timeout = kRequestTime;
  timeout.idle_timeout = kSilence;
  timeout.keep_alive_pings = true;
  ws_.set_option(timeout);
  ws_.read_message_max(kMaxMessage);
  ws_.async_accept(parser_->get(), [self = shared_from_this()](error_code error) {
    self->parser_.reset();
    if (error) return;
    self->buffer_.consume(self->buffer_.size());  // nothing may come before the answer
    self->open_ = true;
    self->owner_.Add(self);
    self->ReadMessage();
  });
}

void Session::Refuse(http::status status, std::string text) {
  auto response = std::make_shared<http::response<http::string_body>>(status, 11);
  response->set(http::field::content_type, "text/plain");
  response->keep_alive(false);
  response->body() = std::move(text);
  response->prepare_payload();
  http::async_write(ws_.next_layer(), *response,
                    [self = shared_from_this(), response](error_code, std::size_t) {
                      error_code ignored;
                      beast::get_lowest_layer(self->ws_).socket().shutdown(
                          boost::asio::ip::tcp::socket::shutdown_send, ignored);
                    });
}

void Session::ReadMessage() {
  ws_.async_read(buffer_, [self = shared_from_this()](error_code error, std::size_t) {
    if (error || !self->open_) return self->Gone();
    auto const data = self->buffer_.data();
    self->OnMessage({static_cast<char const*>(data.data()), data.size()});
    self->buffer_.consume(self->buffer_.size());
    self->paused_ = self->unsent_bytes_ > kPauseReading;
    if (!self->paused_) self->ReadMessage();
  });
}

void Session::OnMessage(std::string_view text) {
  auto const message = json::ParseValue(text);
  if (!message) return Send(ErrorMessage({RpcCode::kParse, "Parse error", ""}, nullptr));
  auto const* const list = message->if_array();
  if (list == nullptr)
    return OnRequest(
        *message, [self = shared_from_this()](json::Value const& answer) { self->Send(answer); });
  if (list->empty() || list->size() > kMaxRequests)
    return Send(ErrorMessage({RpcCode::kInvalidRequest, "Invalid request", ""}, nullptr));
  auto const batch = std::make_shared<BatchReply>();
  batch->missing = list->size();
  for (auto const& request : *list) {
    OnRequest(request, [self = shared_from_this(), batch](json::Value answer) {
      batch->answers.push_back(std::move(answer));
      if (--batch->missing == 0) self->Send(batch->answers);
    });
  }
}

void Session::OnRequest(json::Value const& request, Reply const& reply) {
  auto const* const body = request.if_object();
  auto const* const method = body == nullptr ? nullptr : body->if_contains("method");
  json::Value id = nullptr;
  if (auto const* const given = body == nullptr ? nullptr : body->if_contains("id")) id = *given;
  if (method == nullptr || !method->is_string() || id.is_object() || id.is_array())
    return reply(ErrorMessage({RpcCode::kInvalidRequest, "Invalid request", ""}, nullptr));
  array params;
  if (auto const* const given = body->if_contains("params"); given != nullptr) {
    if (!given->is_array())
      return reply(ErrorMessage({RpcCode::kInvalidParams, "Invalid params", ""}, id));
    params = given->get_array();
  }
  std::string_view const name = method->get_string();
  if (name == "author_submitAndWatchExtrinsic" || name == "author_submitExtrinsic")
    return SubmitExtrinsic(params, name != "author_submitExtrinsic", std::move(id), reply);
  reply(AnswerMessage(Call(name, params), id));
}

RpcResult Session::Call(std::string_view method, array const& params) {
  if (method == "chain_subscribeNewHeads") return Subscribe(Topic::kNewHeads, params);
  if (method == "chain_subscribeAllHeads") return Subscribe(Topic::kAllHeads, params);
  if (method == "chain_subscribeFinalizedHeads") return Subscribe(Topic::kFinalHeads, params);
  if (method == "state_subscribeRuntimeVersion") return Subscribe(Topic::kRuntime, params);
  if (method == "state_subscribeStorage") return Subscribe(Topic::kStorage, params);
  if (method == "author_unwatchExtrinsic" || method.starts_with("chain_unsubscribe") ||
      method.starts_with("state_unsubscribe"))
    return Unsubscribe(params);
  return CallMethod(owner_.chain(), owner_.finalized(), method, params);
}

RpcResult Session::Subscribe(Topic topic, array const& params) {
  if (subscriptions_.size() >= kMaxSubscriptions)
    return RpcFail(RpcCode::kServer, "Too many subscriptions");
  Subscription subscription;
  subscription.topic = topic;
  if (topic == Topic::kStorage) {
    auto const* const keys = params.empty() ? nullptr : params[0].if_array();
    if (keys == nullptr || keys->size() > kMaxWatchedKeys)
      return RpcFail(RpcCode::kInvalidParams, "Invalid params: expected a list of keys");
    subscription.keys = *keys;
  }
  auto const head = owner_.Head();  // what comes after it is told
  if (!head) return tl::unexpected<RpcError>(ToRpcError(head.error()));
  auto const block =
      owner_.chain().BlockAt(topic == Topic::kFinalHeads ? owner_.finalized() : *head);
  if (!block) return tl::unexpected<RpcError>(ToRpcError(block.error()));
  auto const id = fmt::format("s{}", next_subscription_++);
  auto& added = subscriptions_[id] = std::move(subscription);
  // What is now comes behind the answer with the id.
  boost::asio::post(ws_.get_executor(), [self = shared_from_this(), id, topic, block = *block] {
    auto const found = self->subscriptions_.find(id);
    if (found == self->subscriptions_.end()) return;
    if (topic == Topic::kStorage) return self->TellStorage(id, found->second, block);
    self->Notify(id, topic,
                 topic == Topic::kRuntime ? RuntimeVersionJson(self->owner_.chain().runtime())
                                          : HeaderJson(block.header));
  });
  (void)added;
  return json::Value(id);
}

RpcResult Session::Unsubscribe(array const& params) {
  auto const* const id = params.empty() ? nullptr : params[0].if_string();
  if (id == nullptr) return RpcFail(RpcCode::kInvalidParams, "Invalid params");
  return json::Value(subscriptions_.erase(std::string(*id)) > 0);
}

void Session::SubmitExtrinsic(array const& params, bool watch, json::Value id, Reply reply) {
  auto extrinsic = BytesParam(params, 0);
  if (!extrinsic) return reply(ErrorMessage(extrinsic.error(), id));
  bool const room = submissions_.size() < kMaxSubmissions &&
                    (!watch || subscriptions_.size() < kMaxSubscriptions);
  if (!room) return reply(ErrorMessage({RpcCode::kServer, "Too many extrinsics", ""}, id));
  auto const hash = crypto::Blake2b256(*extrinsic);
  submissions_.push_back(
      {*std::move(extrinsic), [this, watch, id = std::move(id), reply = std::move(reply),
                               hash](Result<Included> included) {
         if (!included) return reply(ErrorMessage(ToSubmitError(included.error()), id));
         if (!watch) return reply(AnswerMessage(json::Value(ToHex(hash)), id));
         auto const watched = fmt::format("s{}", next_subscription_++);
         Subscription subscription;
         subscription.topic = Topic::kExtrinsic;
         subscription.included = *included;
         reply(AnswerMessage(json::Value(watched), id));
         Notify(watched, Topic::kExtrinsic, "ready");
         Notify(watched, Topic::kExtrinsic, object{{"inBlock", ToHex(included->block)}});
         if (included->height <= owner_.finalized())  // so quickly
           return Notify(watched, Topic::kExtrinsic, object{{"finalized", ToHex(included->block)}});
         subscriptions_[watched] = std::move(subscription);
       }});
  if (submissions_.size() == 1) NextSubmission();
}

void Session::NextSubmission() {
  if (submissions_.empty() || !open_) return;
  // One at a time: the nonces of a client that does not wait for answers stay in order.
  owner_.Submit(std::move(submissions_.front().extrinsic),
                [self = shared_from_this()](Result<Included> included) {
                  if (!self->open_) return;
                  auto const done = std::move(self->submissions_.front().done);
                  self->submissions_.pop_front();
                  done(std::move(included));
                  self->NextSubmission();
                });
}

void Session::OnBlock(embedded::Block const& block) {
  for (auto& [id, subscription] : subscriptions_) {
    if (subscription.topic == Topic::kNewHeads || subscription.topic == Topic::kAllHeads)
      Notify(id, subscription.topic, HeaderJson(block.header));
    if (subscription.topic == Topic::kStorage) TellStorage(id, subscription, block);
  }
}

void Session::OnFinal(embedded::Block const& block) {
  for (auto at = subscriptions_.begin(); at != subscriptions_.end();) {
    auto const& [id, subscription] = *at;
    if (subscription.topic == Topic::kFinalHeads)
      Notify(id, Topic::kFinalHeads, HeaderJson(block.header));
    bool const ended = subscription.topic == Topic::kExtrinsic &&
                       subscription.included.height <= block.header.number;
    if (ended)
      Notify(id, Topic::kExtrinsic, object{{"finalized", ToHex(subscription.included.block)}});
    at = ended ? subscriptions_.erase(at) : std::next(at);
  }
}

void Session::TellStorage(std::string const& id, Subscription& subscription,
                          embedded::Block const& block) {
  auto const now = StorageChanges(owner_.chain(), subscription.keys, block);
  if (!now) return;  // the block is gone already; the next one tells
  array news;
  for (auto const& change : now->at("changes").as_array()) {
    auto const& pair = change.as_array();
    std::string const key(std::string_view(pair[0].as_string()));
    auto const [known, fresh] = subscription.known.try_emplace(key, pair[1]);
    if (!fresh && known->second == pair[1]) continue;
    known->second = pair[1];
    news.push_back(change);
  }
  if (news.empty()) return;
  Notify(id, Topic::kStorage, object{{"block", ToHex(block.hash)}, {"changes", std::move(news)}});
}

void Session::Notify(std::string const& id, Topic topic, json::Value result) {
  auto const method = [&]() -> std::string_view {
    switch (topic) {
      case Topic::kNewHeads:
        return "chain_newHead";
      case Topic::kAllHeads:
        return "chain_allHead";
      case Topic::kFinalHeads:
        return "chain_finalizedHead";
      case Topic::kRuntime:
        return "state_runtimeVersion";
      case Topic::kStorage:
        return "state_storage";
      case Topic::kExtrinsic:
        break;
    }
    return "author_extrinsicUpdate";
  }();
  Send(object{{"jsonrpc", "2.0"},
              {"method", method},
              {"params", object{{"subscription", id}, {"result", std::move(result)}}}});
}

void Session::Send(json::Value const& message) {
  if (!open_) return;
  auto text = boost::json::serialize(message);
  unsent_bytes_ += text.size();
  unsent_.push_back(std::move(text));
  if (unsent_bytes_ > kMaxUnsent) return Gone();  // a reader this slow does not read at all
  if (unsent_.size() == 1) Write();
}

void Session::Write() {
  ws_.text(true);
  ws_.async_write(boost::asio::buffer(unsent_.front()),
                  [self = shared_from_this()](error_code error, std::size_t) {
                    if (error || !self->open_) return self->Gone();
                    self->unsent_bytes_ -= self->unsent_.front().size();
                    self->unsent_.pop_front();
                    if (!self->unsent_.empty()) self->Write();
                    if (!self->paused_ || self->unsent_bytes_ > kPauseReading) return;
                    self->paused_ = false;
                    self->ReadMessage();
                  });
}

void Session::Close() {
  Gone();
}

void Session::Gone() {
  if (open_) {
    open_ = false;
    submissions_.clear();  // they hold this session
    owner_.Remove(this);
  }
  error_code ignored;
  beast::get_lowest_layer(ws_).socket().close(ignored);
}

}  // namespace trellis::ledger::facade
