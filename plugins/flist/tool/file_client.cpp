#include "plugins/flist/tool/file_client.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/flist/digest.hpp"
#include "plugins/flist/root_lookup.hpp"
#include "plugins/flist/tool/http_request.hpp"
#include "plugins/flist/tool/program_call.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

namespace trellis::plugins::flist {

namespace {

constexpr std::size_t kMaxHead = 16384;
constexpr std::size_t kChunk = std::size_t{8} << 20;
constexpr std::string_view kMd5 = ".md5";
constexpr std::chrono::seconds kLongest = std::chrono::hours(24);  // for the largest of answers

using Clock = std::chrono::steady_clock;

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

bool IsTemporary(int error) {
  return error == EINTR || error == EAGAIN;
}

/// One client until it or we have enough.
class Client {
 public:
  Client(std::string const& root, int fd, ClientLimits const& limits)
      : root_(root), fd_(fd), limits_(limits) {}

  void Serve() {
    while (Receive() && Answer()) {
    }
  }

 private:
  // For what comes next, which has so many bytes.
  void GiveTime(std::uint64_t bytes) {
    auto const seconds = std::chrono::seconds(bytes / limits_.slowest);
    until_ = Clock::now() + limits_.request + std::min(seconds, kLongest);
  }

  [[nodiscard]] bool Wait(short events) const {
    using std::chrono::milliseconds;
    auto const left = std::chrono::duration_cast<milliseconds>(until_ - Clock::now());
    auto const time = std::min(left, limits_.request);  // a silent client does not get all of it
    pollfd wait{fd_, events, 0};
    return time.count() > 0 && ::poll(&wait, 1, static_cast<int>(time.count())) != 0;
  }

  bool Receive() {
    GiveTime(0);
    std::array<char, 4096> chunk{};
    while (true) {
      auto const end = buffer_.find("\r\n\r\n");
      if (end != std::string::npos) {
        head_ = buffer_.substr(0, end + 2);
        buffer_.erase(0, end + 4);
        return true;
      }
      if (buffer_.size() > kMaxHead) return false;
      if (!Wait(POLLIN)) return false;
      auto const got = ::recv(fd_, chunk.data(), chunk.size(), 0);
      if (got < 0 && IsTemporary(errno)) continue;
      if (got <= 0) return false;
      buffer_.append(chunk.data(), static_cast<std::size_t>(got));
    }
  }

  bool Send(std::string_view text) const {
    while (!text.empty()) {
      if (!Wait(POLLOUT)) return false;
      auto const sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent < 0 && IsTemporary(errno)) continue;
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  bool SendShort(std::string_view status, std::string_view body, bool head = false) {
    GiveTime(body.size());
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

  bool SendDigest(FileRequest const& request) {
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

  bool SendFile(FileRequest const& request, Found const& file) {
    GiveTime(0);
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
    GiveTime(part.size);
    return Send(text + "\r\n") && (request.head || SendBytes(file.fd.get(), part));
  }

  bool SendBytes(int from, ByteRange part) const {
    auto offset = static_cast<off_t>(part.first);
    while (part.size > 0) {
      if (!Wait(POLLOUT)) return false;
      auto const sent = ::sendfile(fd_, from, &offset, std::min<std::uint64_t>(part.size, kChunk));
      if (sent < 0 && IsTemporary(errno)) continue;
      if (sent <= 0) return false;  // gone, or the file became shorter
      part.size -= static_cast<std::uint64_t>(sent);
    }
    return true;
  }

  std::string const& root_;
  int fd_;
  ClientLimits const& limits_;
  Clock::time_point until_;  // for the request that comes or the answer that goes
  std::string buffer_;
  std::string head_;
};

}  // namespace

void ServeClient(std::string const& root, int fd, ClientLimits const& limits) {
  Client(root, fd, limits).Serve();
}

}  // namespace trellis::plugins::flist
