// The TLS half of transport.hpp: OpenSSL over the non-blocking socket.
#include "kernel/rmb/relay/transport.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <string>

namespace trellis::rmb {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t kRecord = 16384;  // the most that one TLS record carries

struct FreeSsl {
  void operator()(SSL* ssl) const { ::SSL_free(ssl); }
};

tcp::socket& SocketOf(BIO* bio) {
  return *static_cast<tcp::socket*>(::BIO_get_data(bio));
}

bool WouldBlock(error_code error) {
  return error == asio::error::would_block || error == asio::error::try_again;
}

int ReadSocket(BIO* bio, char* into, std::size_t size, std::size_t* done) {
  ::BIO_clear_retry_flags(bio);
  error_code error;
  *done = SocketOf(bio).read_some(asio::buffer(into, size), error);
  if (!error) return 1;
  if (WouldBlock(error)) ::BIO_set_retry_read(bio);
  return 0;
}

int WriteSocket(BIO* bio, char const* from, std::size_t size, std::size_t* done) {
  ::BIO_clear_retry_flags(bio);
  error_code error;
  *done = SocketOf(bio).write_some(asio::buffer(from, size), error);
  if (!error) return 1;
  if (WouldBlock(error)) ::BIO_set_retry_write(bio);
  return 0;
}

long Control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/// OpenSSL's own socket BIO would raise SIGPIPE; this one goes through the socket object.
BIO_METHOD* SocketMethod() {
  static BIO_METHOD* const kMethod = [] {
    auto* method = ::BIO_meth_new(::BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "relay socket");
    ::BIO_meth_set_read_ex(method, ReadSocket);
    ::BIO_meth_set_write_ex(method, WriteSocket);
    ::BIO_meth_set_ctrl(method, Control);
    return method;
  }();
  return kMethod;
}

class Tls final : public Transport {
 public:
  Tls(tcp::socket socket, SSL* ssl) : Transport(std::move(socket)), ssl_(ssl) {
    auto* bio = ::BIO_new(SocketMethod());
    ::BIO_set_data(bio, &socket_);
    ::BIO_set_init(bio, 1);
    ::SSL_set_bio(ssl_.get(), bio, bio);  // takes the one reference for both directions
    ::SSL_set_accept_state(ssl_.get());
  }

  Transfer Read(std::span<char> into) override {
    std::size_t bytes = 0;
    ::ERR_clear_error();
    int const result = ::SSL_read_ex(ssl_.get(), into.data(), into.size(), &bytes);
    return {StateOf(result), bytes};
  }

  Transfer Write(std::span<asio::const_buffer const> buffers) override {
    if (auto const state = Flush(); state != Transfer::State::kOk) return {state, 0};
    // Many small buffers become one record.
    std::size_t taken = 0;
    for (auto const& buffer : buffers) {
      auto const part = std::min(buffer.size(), kRecord - pending_.size());
      pending_.append(static_cast<char const*>(buffer.data()), part);
      taken += part;
      if (pending_.size() == kRecord) break;
    }
    auto const state = pending_.empty() ? Transfer::State::kOk : Flush();
    // What does not go out now is ours: it counts as taken, and HasPending says so.
    return {state == Transfer::State::kClosed ? state : Transfer::State::kOk, taken};
  }

  [[nodiscard]] bool HasPending() const override { return !pending_.empty(); }

  void ShutDown() override {
    ::ERR_clear_error();
    (void)::SSL_shutdown(ssl_.get());  // best effort: the connection ends either way
    Transport::ShutDown();
  }

 private:
  Transfer::State Flush() {
    if (pending_.empty()) return Transfer::State::kOk;
    std::size_t bytes = 0;
    ::ERR_clear_error();
    auto const state =
        StateOf(::SSL_write_ex(ssl_.get(), pending_.data(), pending_.size(), &bytes));
    if (state == Transfer::State::kOk) pending_ = {};  // an idle connection holds no buffer
    return state;
  }

  Transfer::State StateOf(int result) {
    if (result > 0) return Transfer::State::kOk;
    int const error = ::SSL_get_error(ssl_.get(), result);
    bool const again = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
    return again ? Transfer::State::kWouldBlock : Transfer::State::kClosed;
  }

  std::unique_ptr<SSL, FreeSsl> ssl_;
  std::string pending_;  // taken, not yet written; at most one record
};

Code CodeOf(std::filesystem::path const& file) {
  std::error_code unreadable;
  return std::filesystem::exists(file, unreadable) ? Code::kInvalid : Code::kNotFound;
}

}  // namespace

class TlsServer::Context {
 public:
  Context() : context_(::SSL_CTX_new(::TLS_server_method())) {
    ::SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
    ::SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS);
    ::SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
    ::SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  }
  ~Context() { ::SSL_CTX_free(context_); }
  Context(Context const&) = delete;
  Context& operator=(Context const&) = delete;
  [[nodiscard]] SSL_CTX* get() const { return context_; }

 private:
  SSL_CTX* context_;
};

TlsServer::TlsServer(std::unique_ptr<Context> context) : context_(std::move(context)) {}
TlsServer::~TlsServer() = default;

Result<std::unique_ptr<TlsServer>> TlsServer::Load(std::filesystem::path const& certificate,
                                                   std::filesystem::path const& key) {
  auto context = std::make_unique<Context>();
  ::ERR_clear_error();
  if (::SSL_CTX_use_certificate_chain_file(context->get(), certificate.c_str()) != 1)
    return Fail(CodeOf(certificate), "the certificate '{}' cannot be used: expected a PEM file",
                certificate.string());
  if (::SSL_CTX_use_PrivateKey_file(context->get(), key.c_str(), SSL_FILETYPE_PEM) != 1)
    return Fail(CodeOf(key), "the key '{}' cannot be used: expected the PEM key of '{}'",
                key.string(), certificate.string());
  ::ERR_clear_error();
  return std::unique_ptr<TlsServer>(new TlsServer(std::move(context)));
}

std::unique_ptr<Transport> TlsServer::Wrap(tcp::socket socket) const {
  auto* ssl = ::SSL_new(context_->get());
  if (ssl == nullptr) return nullptr;
  return std::make_unique<Tls>(std::move(socket), ssl);
}

}  // namespace trellis::rmb
