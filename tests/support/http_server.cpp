#include "tests/support/http_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <utility>

namespace trellis::testing {

HttpServer::HttpServer(Handler handler, std::string address)
    : handler_(std::move(handler)), address_(std::move(address)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in endpoint{};
  endpoint.sin_family = AF_INET;
  if (::inet_pton(AF_INET, address_.c_str(), &endpoint.sin_addr) != 1) std::abort();
  auto const* raw = reinterpret_cast<sockaddr const*>(&endpoint);
  if (::bind(listener_, raw, sizeof endpoint) != 0 || ::listen(listener_, 8) != 0) std::abort();
  thread_ = std::thread([this] { Serve(); });
}

HttpServer::~HttpServer() {
  ::shutdown(listener_, SHUT_RDWR);  // ends accept
  thread_.join();
  ::close(listener_);
}

std::string HttpServer::url() const {
  sockaddr_in endpoint{};
  socklen_t size = sizeof endpoint;
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&endpoint), &size);
  return "http://" + address_ + ":" + std::to_string(ntohs(endpoint.sin_port));
}

void HttpServer::Serve() {
  while (true) {
    int const client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    std::string request;
    std::array<char, 4096> chunk{};
    while (request.find("\r\n\r\n") == std::string::npos) {
      auto const got = ::read(client, chunk.data(), chunk.size());
      if (got <= 0) break;
      request.append(chunk.data(), static_cast<std::size_t>(got));
    }
    auto const response = handler_(request);
    for (std::size_t done = 0; done < response.size();) {
      auto const sent =
          ::send(client, response.data() + done, response.size() - done, MSG_NOSIGNAL);
      if (sent <= 0) break;
      done += static_cast<std::size_t>(sent);
    }
    ::close(client);
  }
}

std::string HttpResponse(std::string const& status, std::string const& body,
                         std::string const& headers) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n" + headers + "\r\n" + body;
}

}  // namespace trellis::testing
