#include "tests/integration/zlogs/websocket_server.hpp"

#include "tests/support/patience.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <signal.h>
#include <sys/socket.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace trellis::testing {

std::string Gunzip(std::string const& member) {
  z_stream stream{};
  if (::inflateInit2(&stream, 15 + 16) != Z_OK) return {};
  std::string in = member;
  std::string out(std::size_t{1} << 17U, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  int const done = ::inflate(&stream, Z_FINISH);
  out.resize(std::min<std::size_t>(stream.total_out, out.size()));
  bool const whole = done == Z_STREAM_END && stream.avail_in == 0;
  ::inflateEnd(&stream);
  return whole ? out : std::string();
}

struct WebsocketServer::Connection {
  sys::UniqueFd fd;
  SSL* tls = nullptr;
  std::mutex writing;
  std::thread thread;

  Connection(sys::UniqueFd socket, SSL_CTX* context) : fd(std::move(socket)) {
    if (context == nullptr) return;
    tls = ::SSL_new(context);
    ::SSL_set_fd(tls, fd.get());
  }
  ~Connection() {
    if (thread.joinable()) thread.join();
    ::SSL_free(tls);
  }
  Connection(Connection const&) = delete;
  Connection& operator=(Connection const&) = delete;
  Connection(Connection&&) = delete;
  Connection& operator=(Connection&&) = delete;

  /// Exactly `size` bytes; false at the end.
  bool Read(char* to, std::size_t size) const {
    while (size > 0) {
      auto const got = tls == nullptr ? ::recv(fd.get(), to, size, 0)
                                      : ::SSL_read(tls, to, static_cast<int>(size));
      if (got <= 0) return false;
      to += got;
      size -= static_cast<std::size_t>(got);
    }
    return true;
  }
  void Write(std::string const& bytes) {
    std::lock_guard const lock(writing);
    if (tls == nullptr) {
      (void)!::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    } else {
      (void)::SSL_write(tls, bytes.data(), static_cast<int>(bytes.size()));
    }
  }
};

namespace {

constexpr unsigned char kText = 1;
constexpr unsigned char kBinary = 2;
constexpr unsigned char kClose = 8;
constexpr unsigned char kPing = 9;

/// A short frame of the server's.
std::string Frame(unsigned char kind, std::string const& payload) {
  return std::string{static_cast<char>(0x80 | kind), static_cast<char>(payload.size())} + payload;
}

std::string Accepted(std::string const& head) {
  constexpr std::string_view kField = "Sec-WebSocket-Key: ";
  auto const at = head.find(kField) + kField.size();
  std::string const text =
      head.substr(at, head.find("\r\n", at) - at) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  ::EVP_Digest(text.data(), text.size(), digest.data(), &size, ::EVP_sha1(), nullptr);
  std::array<unsigned char, 64> encoded{};
  ::EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(size));
  return fmt::format(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: {}\r\n\r\n",
      reinterpret_cast<char const*>(encoded.data()));
}

}  // namespace

WebsocketServer::WebsocketServer(Tls const& tls) {
  (void)::signal(SIGPIPE, SIG_IGN);  // of SSL_write
  if (!tls.certificate.empty()) {
    tls_ = ::SSL_CTX_new(::TLS_server_method());
    if (::SSL_CTX_use_certificate_file(tls_, tls.certificate.c_str(), SSL_FILETYPE_PEM) != 1 ||
        ::SSL_CTX_use_PrivateKey_file(tls_, tls.key.c_str(), SSL_FILETYPE_PEM) != 1)
      std::abort();
  }
  Start();
}

WebsocketServer::~WebsocketServer() {
  Kill();
  ::SSL_CTX_free(tls_);
}

void WebsocketServer::Start() {
  listener_ = sys::UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int const on = 1;
  ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (::bind(listener_.get(), generic, size) != 0 || ::listen(listener_.get(), 16) != 0 ||
      ::getsockname(listener_.get(), generic, &size) != 0)
    std::abort();
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

void WebsocketServer::Kill() {
  if (!listener_.valid()) return;
  ::shutdown(listener_.get(), SHUT_RDWR);  // the acceptor ends
  acceptor_.join();
  listener_.Reset();
  std::vector<std::unique_ptr<Connection>> gone;
  {
    std::lock_guard const lock(mutex_);
    gone.swap(connections_);
  }
  for (auto const& connection : gone)
    ::shutdown(connection->fd.get(), SHUT_RDWR);
}

void WebsocketServer::CloseAll(std::uint16_t code) {
  std::lock_guard const lock(mutex_);
  std::string const payload{static_cast<char>(code >> 8U), static_cast<char>(code & 0xffU)};
  for (auto const& connection : connections_)
    connection->Write(Frame(kClose, payload));
}

void WebsocketServer::Accept() {
  for (;;) {
    sys::UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket) return;
    std::lock_guard const lock(mutex_);
    auto& made = *connections_.emplace_back(std::make_unique<Connection>(std::move(socket), tls_));
    made.thread = std::thread([this, &made] { Serve(made); });
  }
}

void WebsocketServer::Serve(Connection& connection) {
  if (connection.tls == nullptr || ::SSL_accept(connection.tls) == 1) ServeFrames(connection);
  ::shutdown(connection.fd.get(), SHUT_RDWR);
}

void WebsocketServer::ServeFrames(Connection& connection) {
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    char next = 0;
    if (!connection.Read(&next, 1)) return;
    head += next;
  }
  {
    std::lock_guard const lock(mutex_);
    requests_.push_back(head);
  }
  changed_.notify_all();
  connection.Write(Accepted(head));
  for (;;) {
    std::array<char, 2> begin{};
    if (!connection.Read(begin.data(), begin.size())) return;
    auto const first = static_cast<unsigned char>(begin[0]);
    auto const second = static_cast<unsigned char>(begin[1]);
    std::size_t size = second & 0x7fU;
    std::array<unsigned char, 8> longer{};
    std::size_t const more = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (!connection.Read(reinterpret_cast<char*>(longer.data()), more)) return;
    if (more > 0) size = 0;
    for (std::size_t i = 0; i < more; ++i)
      size = (size << 8U) | longer[i];
    std::array<char, 4> mask{};
    bool const masked = (second & 0x80U) != 0;
    if (masked && !connection.Read(mask.data(), mask.size())) return;
    std::string payload(size, '\0');
    if (!connection.Read(payload.data(), size)) return;
    for (std::size_t i = 0; i < size; ++i)
      payload[i] = static_cast<char>(payload[i] ^ mask[i % 4]);
    if ((first & 0x0fU) == kClose) return;
    Take(connection, first, masked, payload);
  }
}

void WebsocketServer::Take(Connection& connection, unsigned char first, bool masked,
                           std::string const& payload) {
  constexpr unsigned char kPong = 10;
  auto const kind = static_cast<unsigned char>(first & 0x0fU);
  if (kind == kPing) return connection.Write(Frame(kPong, payload));
  if (kind != kText && kind != kBinary) return;
  WebsocketMessage message;
  message.binary = kind == kBinary;
  message.payload = payload.size();
  message.plain_frame = masked && (first & 0xf0U) == 0x80U;
  message.text = message.binary ? Gunzip(payload) : payload;
  std::lock_guard const lock(mutex_);
  messages_.push_back(std::move(message));
  changed_.notify_all();
}

std::string WebsocketServer::received() {
  std::string all;
  for (auto const& message : messages())
    all += message.text;
  return all;
}

std::vector<WebsocketMessage> WebsocketServer::messages() {
  std::lock_guard const lock(mutex_);
  return messages_;
}

std::vector<std::string> WebsocketServer::requests() {
  std::lock_guard const lock(mutex_);
  return requests_;
}

bool WebsocketServer::WaitFor(std::function<bool(WebsocketServer&)> const& done) {
  auto const end = std::chrono::steady_clock::now() + kPatience;
  while (!done(*this)) {
    std::unique_lock lock(mutex_);
    constexpr std::chrono::milliseconds kLookAgain{50};
    changed_.wait_for(lock, kLookAgain);
    if (std::chrono::steady_clock::now() >= end) return false;
  }
  return true;
}

}  // namespace trellis::testing
