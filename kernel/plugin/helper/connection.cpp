#include "kernel/plugin/helper/connection.hpp"

#include "kernel/plugin/call.hpp"
#include "kernel/plugin/text.hpp"
#include "kernel/sys/errors.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace trellis::plugin {

namespace {

constexpr std::size_t kReadBytes = std::size_t{64} << 10U;
constexpr std::size_t kMaxSpare = 16;
constexpr timeval kSendLimit{10, 0};  // a peer that does not read for so long is broken

struct alignas(cmsghdr) Control {
  std::array<char, CMSG_SPACE(sizeof(int) * kMaxCallFds)> bytes{};
};

void AddRights(msghdr& header, Control& control, std::span<int const> fds) {
  header.msg_control = control.bytes.data();
  header.msg_controllen = CMSG_SPACE(fds.size_bytes());
  auto* const rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(fds.size_bytes());
  std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
}

/// Drops `sent` bytes from the front of the parts.
void Advance(std::span<iovec> parts, std::size_t sent) {
  for (auto& part : parts) {
    auto const step = std::min(sent, part.iov_len);
    part.iov_base = static_cast<char*>(part.iov_base) + step;
    part.iov_len -= step;
    sent -= step;
  }
}

/// As ppoll(2), until MonotonicNs() reaches `until`.
int PollUntil(std::span<pollfd> files, std::int64_t until) {
  if (until == INT64_MAX) return ::ppoll(files.data(), files.size(), nullptr, nullptr);
  constexpr std::int64_t kSecond = 1'000'000'000;
  auto const left = std::max<std::int64_t>(0, until - MonotonicNs());
  timespec const rest{left / kSecond, left % kSecond};
  return ::ppoll(files.data(), files.size(), &rest, nullptr);
}

}  // namespace

Connection::Connection(sys::UniqueFd socket, Side side, OnFrame on_frame)
    : socket_(std::move(socket)),
      on_frame_(std::move(on_frame)),
      next_id_(side == Side::kDaemon ? 1 : 2) {
  (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &kSendLimit, sizeof kSendLimit);
}

Connection::~Connection() {
  Break();
}

// ---- reading ----

Result<std::size_t> Connection::Receive(std::span<char> to) {
  Control control;
  iovec part{to.data(), to.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes.data();
  header.msg_controllen = control.bytes.size();
  ssize_t got = -1;
  do {
    got = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) return std::size_t{0};
  if (got <= 0) return Fail(Code::kUnavailable, "the connection ended");
  for (auto* entry = CMSG_FIRSTHDR(&header); entry != nullptr;
       entry = CMSG_NXTHDR(&header, entry)) {
    if (entry->cmsg_level != SOL_SOCKET || entry->cmsg_type != SCM_RIGHTS) continue;
    std::size_t const count = (entry->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(entry) + i * sizeof fd, sizeof fd);
      arrived_.emplace_back(fd);
    }
  }
  if ((header.msg_flags & MSG_CTRUNC) != 0) return Fail(Code::kDecode, "descriptors were cut off");
  return static_cast<std::size_t>(got);
}

Result<void> Connection::ReadSome() {
  std::unique_lock const reading(read_mutex_, std::try_to_lock);
  return reading ? Read() : Result<void>();
}

Result<void> Connection::Read() {
  auto const read = [this]() -> Result<void> {
    std::array<char, kReadBytes> chunk;  // NOLINT: not worth filling with zeros each time
    while (true) {
      TRELLIS_TRY(auto const got, Receive(chunk));
      std::string_view const bytes(chunk.data(), got);
      if (buffer_.empty()) {
        TRELLIS_TRY(auto const taken, Parse(bytes));
        buffer_ = bytes.substr(taken);
      } else {
        buffer_ += bytes;
        TRELLIS_TRY(auto const taken, Parse(buffer_));
        buffer_.erase(0, taken);
      }
      if (buffer_.empty() && buffer_.capacity() > 2 * kReadBytes) buffer_ = {};
      if (got < chunk.size()) return {};
    }
  };
  auto done = read();
  if (!done) Break();
  return done;
}

Result<std::size_t> Connection::Parse(std::string_view bytes) {
  std::size_t at = 0;
  while (bytes.size() - at >= kFrameHeaderBytes) {
    TRELLIS_TRY(auto const header, FrameHeader::Read(bytes.data() + at));
    if (bytes.size() - at - kFrameHeaderBytes < header.length) break;
    TRELLIS_CHECK(
        Deliver(header, std::string(bytes.substr(at + kFrameHeaderBytes, header.length))));
    at += kFrameHeaderBytes + header.length;
  }
  return at;
}

Result<void> Connection::Deliver(FrameHeader const& header, std::string body) {
  Frame frame;
  frame.kind = static_cast<FrameKind>(header.kind);
  frame.method = static_cast<Method>(header.method);
  frame.id = header.id;
  frame.body = std::move(body);
  if (arrived_.size() < header.fds) return Fail(Code::kDecode, "a frame lacks its descriptors");
  for (int i = 0; i < header.fds; ++i) {
    frame.fds.push_back(std::move(arrived_.front()));
    arrived_.pop_front();
  }
  if (frame.kind != FrameKind::kReturn) {
    on_frame_(std::move(frame));
    return {};
  }
  std::lock_guard const lock(mutex_);
  auto const found = pending_.find(frame.id);
  if (found == pending_.end()) return Fail(Code::kDecode, "a return without a call");
  found->second->reply_ = std::move(frame);
  Finish(*found->second, PendingCall::State::kAnswered);
  pending_.erase(found);
  return {};
}

void Connection::Finish(PendingCall& call, PendingCall::State state) {
  call.hold_.reset();
  call.signalled_ = !call.reading_;
  call.state_ = state;
  if (call.signalled_) (void)::eventfd_write(call.done_.get(), 1);
}

// ---- calls ----

Result<std::shared_ptr<PendingCall>> Connection::Begin(Method method, std::string const& body,
                                                       std::span<int const> fds,
                                                       std::shared_ptr<void> hold) {
  auto call = std::make_shared<PendingCall>();
  call->hold_ = std::move(hold);
  {
    std::lock_guard const lock(mutex_);
    // Nothing was sent: not a crash of this call.
    if (broken_) return Fail(Code::kUnavailable, "the process at the other end is gone");
    if (spare_.empty()) {
      call->done_ = sys::UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
      if (!call->done_) return sys::Fail("make", "eventfd");
    } else {
      call->done_ = std::move(spare_.back());
      spare_.pop_back();
    }
    call->id_ = next_id_;
    next_id_ += 2;
    pending_.emplace(call->id_, call);
  }
  FrameHeader header;
  header.kind = static_cast<std::uint8_t>(FrameKind::kCall);
  header.method = static_cast<std::uint16_t>(method);
  header.id = call->id_;
  if (auto const sent = Send(header, body, fds); !sent) {
    std::lock_guard const lock(mutex_);
    pending_.erase(call->id_);
    return tl::unexpected<Error>(sent.error());
  }
  return call;
}

Connection::Waited Connection::Wait(PendingCall& call, int cancel_fd, std::int64_t until) {
  if (auto const waited = WaitReading(call, cancel_fd, until); waited.has_value()) return *waited;
  std::array<pollfd, 2> files{{{call.done_.get(), POLLIN, 0}, {cancel_fd, POLLIN, 0}}};
  while (true) {
    int const ready = PollUntil(files, until);
    if (ready == 0) return Waited::kTimeout;
    if (ready < 0) continue;  // interrupted
    if (files[0].revents != 0)
      return call.state_ == PendingCall::State::kBroken ? Waited::kBroken : Waited::kAnswered;
    if (files[1].revents != 0) return Waited::kCancelled;
  }
}

std::optional<Connection::Waited> Connection::WaitReading(PendingCall& call, int cancel_fd,
                                                          std::int64_t until) {
  if (!told_) return std::nullopt;
  std::unique_lock reading(read_mutex_, std::try_to_lock);
  if (!reading) return std::nullopt;
  {
    std::lock_guard const lock(mutex_);
    if (call.state_ != PendingCall::State::kOpen) return std::nullopt;
    call.reading_ = true;
  }
  told_(true);
  auto const waited = ReadUntil(call, cancel_fd, until);
  {
    std::lock_guard const lock(mutex_);
    call.reading_ = false;
  }
  reading.unlock();
  told_(false);
  // It may have ended between the last look and now, and then there is no sign of that.
  if (call.state_ == PendingCall::State::kBroken) return Waited::kBroken;
  return call.state_ == PendingCall::State::kAnswered ? Waited::kAnswered : waited;
}

Connection::Waited Connection::ReadUntil(PendingCall const& call, int cancel_fd,
                                         std::int64_t until) {
  std::array<pollfd, 2> files{{{socket_.get(), POLLIN, 0}, {cancel_fd, POLLIN, 0}}};
  while (true) {
    int const ready = PollUntil(files, until);
    if (ready == 0) return Waited::kTimeout;
    if (ready < 0) continue;                  // interrupted
    if (files[0].revents != 0) (void)Read();  // a failure breaks the call
    if (call.state_ != PendingCall::State::kOpen) return Waited::kAnswered;
    if (files[1].revents != 0) return Waited::kCancelled;
  }
}

Frame Connection::Take(PendingCall& call) {
  std::lock_guard const lock(mutex_);
  if (call.signalled_) {
    eventfd_t count = 0;
    (void)::eventfd_read(call.done_.get(), &count);
  }
  if (spare_.size() < kMaxSpare) spare_.push_back(std::move(call.done_));
  return std::move(call.reply_);
}

Result<void> Connection::Notify(Method method, std::string const& body, std::uint64_t id) {
  FrameHeader header;
  header.kind = static_cast<std::uint8_t>(FrameKind::kNotice);
  header.method = static_cast<std::uint16_t>(method);
  header.id = id;
  return Send(header, body, {});
}

Result<void> Connection::Return(Frame const& call, std::string const& body,
                                std::span<int const> fds) {
  FrameHeader header;
  header.kind = static_cast<std::uint8_t>(FrameKind::kReturn);
  header.method = static_cast<std::uint16_t>(call.method);
  header.id = call.id;
  return Send(header, body, fds);
}

Result<void> Connection::Send(FrameHeader header, std::string const& body,
                              std::span<int const> fds) {
  if (body.size() > kMaxFrameBytes || fds.size() > kMaxCallFds)
    return Fail(Code::kExhausted, "a frame of {} bytes and {} descriptors is too large",
                body.size(), fds.size());
  header.length = static_cast<std::uint32_t>(body.size());
  header.fds = static_cast<std::uint8_t>(fds.size());
  std::array<char, kFrameHeaderBytes> front{};
  header.Write(front.data());
  // An iovec wants memory it could write to; sendmsg does not write.
  std::array<iovec, 2> parts{
      {{front.data(), front.size()}, {const_cast<char*>(body.data()), body.size()}}};
  Control control;
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  if (!fds.empty()) AddRights(message, control, fds);
  std::size_t left = front.size() + body.size();
  std::lock_guard const lock(write_mutex_);
  while (left > 0) {
    ssize_t const sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) {
      // Half a frame may be out: nothing after it could be understood.
      (void)::shutdown(socket_.get(), SHUT_RDWR);
      return Fail(Code::kCrashed, "the plugin's process does not listen");
    }
    left -= static_cast<std::size_t>(sent);
    Advance(parts, static_cast<std::size_t>(sent));
    message.msg_control = nullptr;
    message.msg_controllen = 0;
  }
  return {};
}

void Connection::Break() {
  std::lock_guard const lock(mutex_);
  broken_ = true;
  (void)::shutdown(socket_.get(), SHUT_RDWR);
  for (auto& [id, call] : pending_)
    Finish(*call, PendingCall::State::kBroken);
  pending_.clear();
}

}  // namespace trellis::plugin
