#include "kernel/api/control_connection.hpp"

#include "kernel/plugin/text.hpp"
#include "kernel/sys/errors.hpp"
#include "kernel/sys/files.hpp"

#include <trellis/json.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace trellis::api {
namespace {

constexpr std::size_t kMaxLine = std::size_t{2} << 20U;
constexpr std::size_t kMaxWaiting = std::size_t{64} << 20U;  // some answers
constexpr std::size_t kMaxFollowers = 16;
constexpr std::size_t kChunk = 16384;
constexpr std::size_t kMaxLogLine = std::size_t{64} << 10U;
constexpr std::size_t kPumpBytes = std::size_t{256} << 10U;  // of a log, before others have a turn

}  // namespace

Result<std::shared_ptr<ControlConnection>> ControlConnection::Make(sys::UniqueFd fd) {
  sys::UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return sys::Fail("make", "eventfd");
  return std::shared_ptr<ControlConnection>(new ControlConnection(std::move(fd), std::move(wake)));
}

void ControlConnection::Wake() const {
  [[maybe_unused]] auto const done = ::eventfd_write(wake_.get(), 1);
}

void ControlConnection::Close() {
  ::shutdown(fd_.get(), SHUT_RDWR);
}

void ControlConnection::Send(std::string line) {
  line += '\n';
  std::lock_guard const lock(mutex_);
  if (done_) return;
  if (output_.size() + line.size() > kMaxWaiting) return Close();
  bool const first = output_.empty();
  output_ += line;
  if (first) Wake();  // else it is told already, or waits for the client
}

bool ControlConnection::Flush() {
  std::lock_guard const lock(mutex_);
  std::size_t begin = 0;
  bool open = true;
  while (begin < output_.size()) {
    auto const sent = ::send(fd_.get(), output_.data() + begin, output_.size() - begin,
                             MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) {
      open = errno == EAGAIN;
      break;
    }
    begin += static_cast<std::size_t>(sent);
  }
  output_.erase(0, begin);
  return open;
}

bool ControlConnection::Read(std::function<void(std::string_view)> const& line) {
  std::array<char, kChunk> chunk{};
  auto const got = ::recv(fd_.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  if (got == 0) return false;
  input_.append(chunk.data(), static_cast<std::size_t>(got));
  std::size_t end = 0;
  while ((end = input_.find('\n')) != std::string::npos) {
    line(std::string_view(input_).substr(0, end));
    input_.erase(0, end + 1);
  }
  return input_.size() < kMaxLine;
}

void ControlConnection::Serve(std::function<void(std::string_view)> const& line) {
  bool open = true;
  while (open) {
    TakeNewFollowers();
    bool waiting = false;
    {
      std::lock_guard const lock(mutex_);
      waiting = !output_.empty();
    }
    bool const more = !waiting && std::any_of(followers_.begin(), followers_.end(),
                                              [](auto const& f) { return f.more; });
    short const want = waiting ? POLLIN | POLLOUT : POLLIN;
    std::vector<pollfd> entries{{fd_.get(), want, 0}, {wake_.get(), POLLIN, 0}};
    for (auto const& follower : followers_)
      entries.push_back({follower.watch.get(), POLLIN, 0});
    if (::poll(entries.data(), entries.size(), more ? 0 : -1) < 0) continue;  // interrupted
    std::uint64_t ignored = 0;
    if (entries[1].revents != 0) (void)::eventfd_read(wake_.get(), &ignored);
    std::size_t index = 2;
    for (auto& follower : followers_) {
      if (entries[index++].revents != 0 || (more && follower.more)) Pump(follower);
    }
    if ((entries[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) open = Read(line);
    open = open && Flush();
  }
  Close();
  done_ = true;
}

Result<void> ControlConnection::Follow(std::string id, std::string const& path) {
  Follower follower;
  follower.id = std::move(id);
  TRELLIS_TRY(follower.file, sys::OpenFile(path, O_RDONLY));
  follower.watch = sys::UniqueFd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!follower.watch || ::inotify_add_watch(follower.watch.get(), path.c_str(), IN_MODIFY) < 0)
    return sys::Fail("watch", path);
  std::lock_guard const lock(mutex_);
  if (follower_count_ >= kMaxFollowers)
    return Fail(Code::kExhausted, "one connection follows at most {} logs", kMaxFollowers);
  ++follower_count_;
  new_followers_.push_back(std::move(follower));
  Wake();
  return {};
}

void ControlConnection::TakeNewFollowers() {
  std::vector<Follower> taken;
  {
    std::lock_guard const lock(mutex_);
    taken.swap(new_followers_);
  }
  for (auto& follower : taken) {
    followers_.push_back(std::move(follower));
    Pump(followers_.back());
  }
}

void ControlConnection::Pump(Follower& follower) {
  std::array<char, kChunk> chunk{};
  while (::read(follower.watch.get(), chunk.data(), chunk.size()) > 0) {
  }
  struct stat info {};
  if (::fstat(follower.file.get(), &info) == 0 && info.st_size < follower.offset)
    follower.offset = 0;  // it was cut: begin anew
  follower.more = true;
  for (std::size_t read = 0; read < kPumpBytes; read += chunk.size()) {
    auto const got = ::pread(follower.file.get(), chunk.data(), chunk.size(), follower.offset);
    follower.more = got > 0;
    if (got <= 0) break;
    follower.offset += got;
    follower.rest.append(chunk.data(), static_cast<std::size_t>(got));
    SendLines(follower);
  }
}

void ControlConnection::SendLines(Follower& follower) {
  auto end = follower.rest.rfind('\n');
  if (end == std::string::npos) {
    if (follower.rest.size() < kMaxLogLine) return;
    end = follower.rest.size() - 1;
  }
  auto const text = plugin::RepairText(std::string_view(follower.rest).substr(0, end + 1),
                                       2 * (kMaxLogLine + kChunk));
  follower.rest.erase(0, end + 1);
  boost::json::object const body{{"text", text}};
  Send(fmt::format(R"({{"id":{},"event":{}}})", follower.id, boost::json::serialize(body)));
}

}  // namespace trellis::api
