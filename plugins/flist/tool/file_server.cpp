#include "plugins/flist/tool/file_server.hpp"

#include "plugins/flist/digest.hpp"
#include "plugins/flist/root_lookup.hpp"
#include "plugins/flist/tool/http_request.hpp"
#include "plugins/flist/tool/program_call.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <charconv>
#include <list>
#include <thread>

namespace trellis::plugins::flist {

namespace {

constexpr std::size_t kMaxHead = 16384;
constexpr int kMaxConnections = 256;
constexpr int kBacklog = 128;
constexpr timeval kPatience{60, 0};  // a client that is silent for so long is gone
constexpr std::size_t kChunk = std::size_t{8} << 20;
constexpr std::string_view kMd5 = ".md5";

struct Address {
  sockaddr_storage raw{};
  socklen_t size = 0;
};

Result<Address> ParseListen(std::string const& listen) {
  auto const bad = [&] { return Fail(Code::kInvalid, "'{}' is not <ip>:<port>", listen); };
  auto const colon = listen.rfind(':');
  if (colon == std::string::npos) return bad();
  auto host = listen.substr(0, colon);
  std::uint16_t port = 0;
  auto const* const end = listen.data() + listen.size();
  auto const parsed = std::from_chars(listen.data() + colon + 1, end, port);
  if (parsed.ec != std::errc() || parsed.ptr != end) return bad();
  Address address;
  auto* const four = reinterpret_cast<sockaddr_in*>(&address.raw);
  auto* const six = reinterpret_cast<sockaddr_in6*>(&address.raw);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    address.size = sizeof *six;
    if (::inet_pton(AF_INET6, host.c_str(), &six->sin6_addr) != 1) return bad();
    return address;
  }
  four->sin_family = AF_INET;
  four->sin_port = htons(port);
  address.size = sizeof *four;
  if (::inet_pton(AF_INET, host.c_str(), &four->sin_addr) != 1) return bad();
  return address;
}

struct Found {
  UniqueFd fd;
  struct stat info {};
  std::string etag;
};

Result<Found> FindFile(std::string const& root, std::string const& path) {
  Found found;
  TRELLIS_TRY(found.fd, OpenInRoot(root, path, O_RDONLY | O_NONBLOCK));
  if (::fstat(found.fd.get(), &found.info) != 0 || !S_ISREG(found.info.st_mode))
    return Fail(Code::kNotFound, "no file");
  found.etag = fmt::format("\"{:x}-{:x}-{:x}.{:x}\"", found.info.st_ino, found.info.st_size,
                           found.info.st_mtim.tv_sec, found.info.st_mtim.tv_nsec);
  return found;
}

/// One client until it or we have enough.
class Client {
 public:
  Client(std::string const& root, int fd) : root_(root), fd_(fd) {}

  void Serve() {
    while (Receive() && Answer()) {
    }
  }

 private:
  bool Receive() {
    std::array<char, 4096> chunk{};
    while (true) {
      auto const end = buffer_.find("\r\n\r\n");
      if (end != std::string::npos) {
        head_ = buffer_.substr(0, end + 2);
        buffer_.erase(0, end + 4);
        return true;
      }
      if (buffer_.size() > kMaxHead) return false;
      auto const got = ::recv(fd_, chunk.data(), chunk.size(), 0);
      if (got <= 0) return false;
      buffer_.append(chunk.data(), static_cast<std::size_t>(got));
    }
  }

  bool Send(std::string_view text) const {
    while (!text.empty()) {
      auto const sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  bool SendShort(std::string_view status, std::string_view body, bool head = false) const {
    auto const text =
        fmt::format("HTTP/1.1 {}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n", status,
                    body.size());
    return Send(text) && (head || Send(body));
  }

  bool Answer() {
    auto const request = ParseFileRequest(head_);
    if (!request) {
      bool const method = request.error().code == Code::kUnsupported;
      (void)SendShort(method ? "405 Method Not Allowed" : "400 Bad Request", "");
      return false;  // what follows may be a body
    }
    auto const file = FindFile(root_, request->path);
    bool const sent = file ? SendFile(*request, *file) : SendDigest(*request);
    return sent && request->keep_alive;
  }

  bool SendDigest(FileRequest const& request) const {
    auto const& path = request.path;
    if (path.ends_with(kMd5)) {
      auto const file = FindFile(root_, path.substr(0, path.size() - kMd5.size()));
      ProgramCall call;
      auto const digests = file ? DigestFile(*call, fmt::format("/proc/self/fd/{}", file->fd.get()))
                                : Result<FileDigests>(tl::unexpected<Error>(file.error()));
      if (digests) return SendShort("200 OK", digests->md5, request.head);
    }
    return SendShort("404 Not Found", "not found\n", request.head);
  }

  bool SendFile(FileRequest const& request, Found const& file) const {
    if (request.if_none_match == file.etag)
      return Send(fmt::format("HTTP/1.1 304 Not Modified\r\nETag: {}\r\n\r\n", file.etag));
    auto const size = static_cast<std::uint64_t>(file.info.st_size);
    auto const range = ParseRange(request.range, size);
    if (!range)
      return Send(
          fmt::format("HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */{}\r\n"
                      "Content-Length: 0\r\n\r\n",
                      size));
    auto const part = range->value_or(ByteRange{0, size});
    auto text = fmt::format(
        "HTTP/1.1 {}\r\nContent-Type: application/octet-stream\r\nAccept-Ranges: bytes\r\n"
        "ETag: {}\r\nContent-Length: {}\r\n",
        *range ? "206 Partial Content" : "200 OK", file.etag, part.size);
    if (*range)
      text += fmt::format("Content-Range: bytes {}-{}/{}\r\n", part.first,
                          part.first + part.size - 1, size);
    return Send(text + "\r\n") && (request.head || SendBytes(file.fd.get(), part));
  }

  bool SendBytes(int from, ByteRange part) const {
    auto offset = static_cast<off_t>(part.first);
    while (part.size > 0) {
      auto const sent = ::sendfile(fd_, from, &offset, std::min<std::uint64_t>(part.size, kChunk));
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return false;  // gone, or the file became shorter
      part.size -= static_cast<std::uint64_t>(sent);
    }
    return true;
  }

  std::string const& root_;
  int fd_;
  std::string buffer_;
  std::string head_;
};

/// A client's thread. Its socket is shut down when the server ends, so that the thread ends too.
class Connection {
 public:
  Connection(std::string const& root, UniqueFd fd) : fd_(std::move(fd)) {
    thread_ = std::jthread([this, &root] {
      Client(root, fd_.get()).Serve();
      ::shutdown(fd_.get(), SHUT_RDWR);
      done_ = true;
    });
  }
  ~Connection() { ::shutdown(fd_.get(), SHUT_RDWR); }
  Connection(Connection const&) = delete;
  Connection& operator=(Connection const&) = delete;
  [[nodiscard]] bool done() const { return done_; }

 private:
  UniqueFd fd_;
  std::atomic<bool> done_ = false;
  std::jthread thread_;
};

}  // namespace

FileServer::FileServer(std::string root, UniqueFd listener)
    : root_(std::move(root)), listener_(std::move(listener)) {}

Result<std::unique_ptr<FileServer>> FileServer::Open(std::string const& root,
                                                     std::string const& listen) {
  TRELLIS_TRY(auto const dir, OpenFile(root, O_PATH | O_DIRECTORY));
  TRELLIS_TRY(auto const address, ParseListen(listen));
  UniqueFd fd(::socket(address.raw.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int const yes = 1;
  auto const* const raw = reinterpret_cast<sockaddr const*>(&address.raw);
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
      ::bind(fd.get(), raw, address.size) != 0 || ::listen(fd.get(), kBacklog) != 0)
    return FailErrno("listen at '{}'", listen);
  return std::unique_ptr<FileServer>(new FileServer(RealPath(root), std::move(fd)));
}

std::string FileServer::url() const {
  sockaddr_storage raw{};
  socklen_t size = sizeof raw;
  (void)::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&raw), &size);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (raw.ss_family == AF_INET6) {
    auto const* const six = reinterpret_cast<sockaddr_in6 const*>(&raw);
    (void)::inet_ntop(AF_INET6, &six->sin6_addr, text.data(), text.size());
    return fmt::format("http://[{}]:{}", text.data(), ntohs(six->sin6_port));
  }
  auto const* const four = reinterpret_cast<sockaddr_in const*>(&raw);
  (void)::inet_ntop(AF_INET, &four->sin_addr, text.data(), text.size());
  return fmt::format("http://{}:{}", text.data(), ntohs(four->sin_port));
}

Result<void> FileServer::Run(int until) {
  std::list<Connection> connections;
  while (true) {
    std::array<pollfd, 2> waits{pollfd{listener_.get(), POLLIN, 0}, pollfd{until, POLLIN, 0}};
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) return FailErrno("wait");
    if (waits[1].revents != 0) return {};
    if (waits[0].revents == 0) continue;
    UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    connections.remove_if([](Connection const& each) { return each.done(); });
    if (!client || connections.size() >= kMaxConnections) continue;
    (void)::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    (void)::setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
    connections.emplace_back(root_, std::move(client));
  }
}

}  // namespace trellis::plugins::flist
