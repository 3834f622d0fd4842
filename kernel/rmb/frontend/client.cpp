#include "kernel/rmb/frontend/client.hpp"

#include <boost/asio.hpp>

namespace trellis::rmb {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {
constexpr std::size_t kMaxUnread = std::size_t{32} << 20U;  // answers that a client does not read
constexpr std::size_t kMaxAhead = std::size_t{64} << 10U;   // commands behind one that waits
}  // namespace

void ListClient::Start(Socket socket, ListHost& host) {
  std::make_shared<ListClient>(std::move(socket), host)->Read();
}

ListClient::ListClient(Socket socket, ListHost& host)
    : host_(host), socket_(std::move(socket)), limit_(socket_.get_executor()) {}

void ListClient::Read() {
  if (reading_ || ended_) return;
  reading_ = true;
  socket_.async_read_some(asio::buffer(buffer_),
                          [self = shared_from_this()](error_code error, std::size_t size) {
                            self->reading_ = false;
                            if (error) return self->End();
                            self->reader_.Add({self->buffer_.data(), size});
                            self->RunCommands();
                          });
}

void ListClient::RunCommands() {
  while (!blocked_.has_value() && !quit_ && !ended_ && out_.size() < kMaxUnread) {
    auto words = reader_.NextCommand();
    if (!words) {
      Write(RespError("ERR Protocol error: " + words.error().message));
      quit_ = true;
      break;
    }
    if (!words->has_value()) break;
    auto result = host_.commands().Run(**words);
    if (result.quit) quit_ = true;
    Write(std::move(result.answer));
    if (result.blocked.has_value()) Block(*std::move(result.blocked));
  }
  if (quit_) return Flush();
  // Also while blocked: a client that goes away must not take an element with it.
  bool const ahead = blocked_.has_value() && reader_.held_bytes() > kMaxAhead;
  if (out_.size() < kMaxUnread && !ahead) Read();
}

void ListClient::Block(BlockedPop wish) {
  blocked_ = std::move(wish);
  for (auto const& list : blocked_->lists)
    host_.Wait(list, shared_from_this());
  if (!blocked_->limit.has_value()) return;
  limit_.expires_after(*blocked_->limit);
  limit_.async_wait([self = shared_from_this()](error_code error) {
    if (error || !self->blocked_.has_value()) return;
    self->blocked_.reset();
    self->host_.StopWaiting(self.get());
    self->Write(RespNullArray());
    self->RunCommands();
  });
}

bool ListClient::TryServe() {
  if (ended_ || !blocked_.has_value()) return false;
  auto answer = host_.commands().TryPop(*blocked_);
  if (!answer.has_value()) return false;
  blocked_.reset();
  limit_.cancel();
  Write(*std::move(answer));
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->RunCommands(); });
  return true;
}

void ListClient::Write(std::string answer) {
  if (answer.empty() || ended_) return;
  out_ += answer;
  Flush();
}

void ListClient::Flush() {
  if (writing_ || ended_) return;
  if (out_.empty()) {
    if (quit_) End();
    return;
  }
  writing_ = true;
  auto const bytes = std::make_shared<std::string>(std::exchange(out_, {}));
  asio::async_write(socket_, asio::buffer(*bytes),
                    [self = shared_from_this(), bytes](error_code error, std::size_t) {
                      self->writing_ = false;
                      if (error) return self->End();
                      self->Flush();
                      if (!self->quit_) self->RunCommands();
                    });
}

void ListClient::End() {
  if (std::exchange(ended_, true)) return;
  blocked_.reset();
  limit_.cancel();
  host_.StopWaiting(this);
  host_.Left();
  error_code ignored;  // it ends either way
  socket_.close(ignored);
}

}  // namespace trellis::rmb
