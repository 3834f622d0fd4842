#include "kernel/rmb/frontend/broker.hpp"

#include "kernel/base/log.hpp"

#include <algorithm>

namespace trellis::rmb {

using lists::FromBase64;
using lists::ToBase64;

namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kMaxDestinations = 1000;
constexpr std::uint64_t kDefaultLife = 300;
constexpr std::uint64_t kMaxLife = 1800;
constexpr char const* kSchema = "application/json";

enum ListError : std::uint32_t { kBadData = 101, kExpired = 102, kUnknown = 103, kOther = 500 };

std::uint32_t CodeOf(CallFailure const& failure) {
  switch (failure.error.code) {
    case Code::kDenied:
      return failure.remote_code;
    case Code::kTimeout:
      return kExpired;
    case Code::kNotFound:
      return kUnknown;
    default:
      return kOther;
  }
}

std::string SourceText(Address const& source) {
  auto text = std::to_string(source.twin);
  if (source.connection.has_value()) text.append(":").append(*source.connection);
  return text;
}

}  // namespace

void Broker::Push(std::string const& list, std::string text) {
  if (auto const pushed = lists_.Push(list, End::kLeft, std::move(text), clock_.UnixSeconds());
      !pushed) {
    log::Warn("a message for a local program was dropped",
              {{"list", list}, {"reason", pushed.error()}});
    return;
  }
  pushed_(list);
}

void Broker::Take(std::string_view list, std::string const& text) {
  if (list == Lists::kReplies) return Answer(text);
  auto request = json::Parse<lists::RequestOut>(text);
  if (!request) return;  // nobody to tell: the list for answers is not known
  auto const wrong = request->ver != kVersion                 ? "unknown version"
                     : request->cmd.empty()                   ? "cmd is missing"
                     : request->dst.empty()                   ? "dst is missing"
                     : request->dst.size() > kMaxDestinations ? "too many destinations"
                                                              : "";
  if (request->ret.empty()) return;
  if (!lists_.Expect(request->ret, clock_.UnixSeconds())) return;
  if (*wrong != '\0')
    return Refuse(*request, kBadData, fmt::format("invalid message payload data: {}", wrong));
  Send(*request);
}

void Broker::Send(lists::RequestOut const& request) {
  auto const payload = FromBase64(request.dat);
  if (!payload) return Refuse(request, kBadData, "invalid message payload data: dat is not base64");
  for (auto const twin : request.dst) {
    Question question;
    question.to.twin = twin;
    question.command = request.cmd;
    question.payload = *payload;
    question.timestamp = request.now;
    question.expiration = request.exp;
    question.tags = request.tag;
    ask_(std::move(question),
         [this, request, twin](CallResult const& result) { Finish(request, twin, result); });
  }
}

void Broker::Finish(lists::RequestOut const& request, std::uint32_t twin,
                    CallResult const& result) {
  bool const answered = result || result.error().error.code == Code::kDenied;
  if (!answered) return Refuse(request, CodeOf(result.error()), result.error().error.message);
  lists::ResponseIn response;
  response.ref = request.ref;
  response.src = std::to_string(twin);
  response.shm = kSchema;
  response.now = static_cast<std::uint64_t>(clock_.UnixSeconds());
  if (result) response.dat = ToBase64(*result);
  if (!result) response.err = {CodeOf(result.error()), result.error().error.message};
  Push(request.ret, json::Dump(response));
}

void Broker::Refuse(lists::RequestOut const& request, std::uint32_t code, std::string text) {
  lists::ResponseIn response;
  response.ref = request.ref;
  response.err = {code, std::move(text)};
  Push(request.ret, json::Dump(response));
}

void Broker::Serve(IncomingRequest const& request, Reply reply) {
  auto const now = clock_.UnixSeconds();
  if (backlog_.size() >= kMaxBacklog)
    return reply({{}, kOther, "too many requests are waiting for services"});
  auto const life = std::clamp<std::uint64_t>(request.expiration, 1, kMaxLife);
  auto const source = SourceText(request.source);
  backlog_.emplace(request.uid,
                   Open{source, std::move(reply), now + static_cast<std::int64_t>(life)});
  lists::RequestIn message;
  message.ref = request.uid;
  message.src = source;
  message.cmd = request.command;
  message.exp = request.expiration == 0 ? kDefaultLife : request.expiration;
  message.dat = ToBase64(request.payload);
  message.tag = request.tags;
  message.ret = Lists::kReplies;
  message.shm = kSchema;
  message.now = request.timestamp;
  Push(std::string(Lists::kPrefix) + request.command, json::Dump(message));
}

void Broker::Answer(std::string const& text) {
  auto response = json::Parse<lists::ResponseOut>(text);
  if (!response) return;
  auto const [first, last] = backlog_.equal_range(response->ref);
  auto const open = std::find_if(first, last, [&](auto const& entry) {
    return response->dst.empty() || entry.second.source == response->dst;
  });
  if (open == last) {
    log::Warn("a service answered a request that nobody waits for", {{"uid", response->ref}});
    return;
  }
  auto const reply = std::move(open->second.reply);
  backlog_.erase(open);
  bool const failed =
      response->err.has_value() && (response->err->code != 0 || !response->err->message.empty());
  if (failed) {
    auto const& error = *response->err;
    return reply({{}, error.code, error.message.empty() ? "the service failed" : error.message});
  }
  auto payload = FromBase64(response->dat);
  if (!payload) return reply({{}, kBadData, "the service's answer is not base64"});
  reply({*std::move(payload), 0, {}});
}

void Broker::Sweep(std::int64_t now) {
  std::erase_if(backlog_, [now](auto const& entry) { return entry.second.until <= now; });
}

}  // namespace trellis::rmb
