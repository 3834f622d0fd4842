// The writing half of a connection.
#include "kernel/rmb/relay/connection.hpp"

#include <boost/asio.hpp>

#include <array>

namespace trellis::rmb {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t kMessagesAtOnce = 32;
constexpr std::size_t kBytesAtOnce = std::size_t{256} << 10U;
constexpr int kWritesAtOnce = 16;                          // then it is the others' turn
constexpr std::size_t kProgress = std::size_t{64} << 10U;  // less in kSlowReader is no progress

}  // namespace

void Connection::Wake() {
  if (dirty_ || writing_) return;
  dirty_ = true;
  hub_.MarkDirty(shared_from_this());
}

void Connection::Send(std::string bytes) {
  if (out_sent_ == out_.size()) {
    out_ = std::move(bytes);
    out_sent_ = 0;
  } else {
    out_ += bytes;
  }
  Wake();
}

void Connection::AwaitWrite() {
  if (writing_ || state_ == State::kGone) return;
  writing_ = true;
  transport_->socket().async_wait(tcp::socket::wait_write,
                                  [self = shared_from_this()](error_code error) {
                                    self->writing_ = false;
                                    if (error) return self->Abandon();
                                    self->Flush();
                                  });
}

/// One call for up to kMessagesAtOnce messages, each with its header.
Transfer Connection::WriteOnce(std::int64_t now) {
  std::array<std::array<char, kMaxServerHeader>, kMessagesAtOnce> headers{};
  std::array<asio::const_buffer, 2 * kMessagesAtOnce + 1> buffers;
  std::size_t count = 0;
  std::size_t total = 0;
  auto const add = [&](char const* data, std::size_t size) {
    if (size == 0) return;
    buffers.at(count++) = asio::const_buffer(data, size);
    total += size;
  };
  bool const between = mailbox_ == nullptr || mailbox_->front_sent == 0;
  if (between) add(out_.data() + out_sent_, out_.size() - out_sent_);
  if (mailbox_ != nullptr && parts().queues.Front(*mailbox_, now) != nullptr) {
    auto skip = mailbox_->front_sent;
    std::size_t at = 0;
    for (auto& message : mailbox_->messages) {
      if (at == kMessagesAtOnce || total > kBytesAtOnce) break;
      if (at > 0 && message.expires <= now) break;  // it goes before the next call
      auto& header = headers.at(at++);
      auto const size = WriteFrameHeader(Opcode::kBinary, message.bytes.size(), header);
      auto const skip_header = std::min(skip, size);
      add(header.data() + skip_header, size - skip_header);
      skip -= skip_header;
      add(message.bytes.data() + skip, message.bytes.size() - skip);
      skip = 0;
    }
  }
  if (total == 0 && !transport_->HasPending()) return {};
  return transport_->Write({buffers.data(), count});
}

/// Takes what was written off the front of what is to be written.
void Connection::Advance(std::size_t bytes, std::int64_t now) {
  bool const between = mailbox_ == nullptr || mailbox_->front_sent == 0;
  if (between) {
    auto const part = std::min(bytes, out_.size() - out_sent_);
    out_sent_ += part;
    bytes -= part;
    if (out_sent_ == out_.size() && !out_.empty()) {
      out_ = {};
      out_sent_ = 0;
    }
  }
  auto& counters = parts().counters;
  while (bytes > 0 && mailbox_ != nullptr) {
    std::array<char, kMaxServerHeader> header{};
    auto const body = mailbox_->messages.front().bytes.size();
    auto const whole = WriteFrameHeader(Opcode::kBinary, body, header) + body;
    auto const part = std::min(bytes, whole - mailbox_->front_sent);
    mailbox_->front_sent += part;
    bytes -= part;
    if (mailbox_->front_sent < whole) break;
    ++counters.tx;
    counters.tx_bytes += body;
    stalled_since_ = 0;
    parts().delivery.Written(*mailbox_, parts().queues.Pop(*mailbox_));
  }
  if (stalled_since_ != 0 && progress_ > kProgress) stalled_since_ = now;
}

void Connection::Flush() {
  dirty_ = false;
  if (state_ == State::kGone || writing_) return;
  auto const now = hub_.now();
  for (int i = 0; i < kWritesAtOnce; ++i) {
    auto const written = WriteOnce(now);
    if (written.state == Transfer::State::kClosed) return Abandon();
    progress_ += written.bytes;
    Advance(written.bytes, now);
    if (written.state == Transfer::State::kWouldBlock || transport_->HasPending()) {
      if (stalled_since_ == 0) {
        stalled_since_ = now;
        progress_ = 0;
      }
      return AwaitWrite();
    }
    if (written.bytes == 0) {
      stalled_since_ = 0;
      return AfterWrite();
    }
  }
  Wake();
}

/// Everything is on the socket.
void Connection::AfterWrite() {
  if (state_ == State::kAnswering) {
    state_ = State::kHttp;
    OnHttp({});  // what came after the request
    return AwaitRead();
  }
  if (state_ != State::kClosing) return;
  transport_->ShutDown();
  state_ = State::kDraining;
  last_read_ = hub_.now();
  AwaitRead();
}

}  // namespace trellis::rmb
