// Chunks as messages of a Redis channel (RESP2).
#include "plugins/zlogs/daemon/dial.hpp"
#include "plugins/zlogs/daemon/sink.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace trellis::plugins::zlogs {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;
using std::chrono::seconds;

constexpr std::size_t kMaxReply = 4096;
constexpr seconds kAskAfter{20};   // before a chunk, when the connection was idle so long
constexpr seconds kKeepAlive{60};  // while there is none

class RedisSink final : public Sink {
 public:
  RedisSink(Peer const& peer, tcp::socket socket) : peer_(peer), socket_(std::move(socket)) {
    Listen();
  }
  ~RedisSink() override {
    error_code ignored;
    socket_.close(ignored);
    peer_.loop->Settle();  // its handlers use this object
  }
  RedisSink(RedisSink const&) = delete;
  RedisSink& operator=(RedisSink const&) = delete;
  RedisSink(RedisSink&&) = delete;
  RedisSink& operator=(RedisSink&&) = delete;

  Result<void> LogIn();
  Result<void> Send(std::string_view chunk, Payload payload) override;
  Result<void> Idle() override;
  [[nodiscard]] bool broken() const override { return failed_.has_value(); }

 private:
  void Listen();
  void TakeReplies();
  /// The reply to one command; `-…` is an error.
  Result<std::string> Ask(std::vector<std::string_view> const& command);
  Result<void> Ping();

  Peer peer_;
  tcp::socket socket_;
  std::array<char, 1024> buffer_{};
  std::string in_;
  std::optional<std::string> reply_;
  bool asking_ = false;
  std::optional<Error> failed_;
  Loop::Clock::time_point used_ = Loop::Clock::now();
};

void RedisSink::Listen() {
  socket_.async_read_some(
      boost::asio::buffer(buffer_), [this](error_code failed, std::size_t size) {
        if (failed == boost::asio::error::operation_aborted) return;
        if (failed) {
          failed_ = Error{Code::kIo, fmt::format("the peer is gone: {}", failed.message())};
          return;
        }
        in_.append(buffer_.data(), size);
        TakeReplies();
        if (!failed_) Listen();
      });
}

void RedisSink::TakeReplies() {
  for (auto end = in_.find("\r\n"); end != std::string::npos; end = in_.find("\r\n")) {
    if (!asking_ || reply_) {
      failed_ = Error{Code::kDecode, "the peer answers without a question"};
      return;
    }
    reply_ = in_.substr(0, end);
    in_.erase(0, end + 2);
  }
  if (in_.size() > kMaxReply) failed_ = Error{Code::kDecode, "the peer's answer is too long"};
}

Result<std::string> RedisSink::Ask(std::vector<std::string_view> const& command) {
  if (failed_) return tl::unexpected<Error>(*failed_);
  std::string text = fmt::format("*{}\r\n", command.size());
  for (auto const& word : command)
    text.append(fmt::format("${}\r\n", word.size())).append(word).append("\r\n");
  seconds const limit(peer_.settings->write_timeout_s);
  reply_.reset();
  asking_ = true;
  TRELLIS_CHECK(peer_.loop->Await(
      "send", limit,
      [&](Loop::Handler const& done) {
        boost::asio::async_write(socket_, boost::asio::buffer(text),
                                 [done](error_code failed, std::size_t) { done(failed); });
      },
      [this] {
        error_code ignored;
        socket_.close(ignored);
      }));
  bool const got = peer_.loop->RunFor(limit, [this] { return reply_ || failed_; });
  asking_ = false;
  if (failed_) return tl::unexpected<Error>(*failed_);
  if (!got) return Fail(Code::kTimeout, "the peer does not answer within {} s", limit.count());
  used_ = Loop::Clock::now();
  if (!reply_->starts_with('-')) return *reply_;
  bool const denied = reply_->starts_with("-NOAUTH") || reply_->starts_with("-WRONGPASS") ||
                      reply_->starts_with("-NOPERM") || reply_->starts_with("-ERR AUTH");
  return Fail(denied ? Code::kDenied : Code::kIo, "the peer answers: {}", reply_->substr(1));
}

Result<void> RedisSink::LogIn() {
  auto const& output = *peer_.output;
  if (output.password.empty()) return {};
  std::vector<std::string_view> command{"AUTH"};
  if (!output.user.empty()) command.emplace_back(output.user);
  command.emplace_back(output.password);
  auto const answer = Ask(command);
  if (!answer && answer.error().code == Code::kIo && !failed_)
    return Fail(Code::kDenied, "{}", answer.error().message);
  TRELLIS_CHECK(answer);
  return {};
}

Result<void> RedisSink::Ping() {
  TRELLIS_TRY(auto const answer, Ask({"PING"}));
  if (answer != "+PONG") return Fail(Code::kDecode, "the peer answers no ping");
  return {};
}

Result<void> RedisSink::Send(std::string_view chunk, Payload) {
  if (Loop::Clock::now() - used_ > kAskAfter) TRELLIS_CHECK(Ping());
  TRELLIS_TRY(auto const answer, Ask({"PUBLISH", peer_.output->target, chunk}));
  if (!answer.starts_with(':')) return Fail(Code::kDecode, "the peer answers no number");
  return {};
}

Result<void> RedisSink::Idle() {
  if (failed_) return tl::unexpected<Error>(*failed_);
  if (Loop::Clock::now() - used_ < kKeepAlive) return {};
  return Ping();
}

}  // namespace

Result<std::unique_ptr<Sink>> ConnectRedis(Peer const& peer) {
  TRELLIS_TRY(auto socket, Dial(peer));
  auto sink = std::make_unique<RedisSink>(peer, std::move(socket));
  TRELLIS_CHECK(sink->LogIn());
  return std::unique_ptr<Sink>(std::move(sink));
}

}  // namespace trellis::plugins::zlogs
