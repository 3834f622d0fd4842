#include "plugins/zlogs/daemon/resolver.hpp"

#include "plugins/common/posix/files.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <thread>

namespace trellis::plugins::zlogs {
namespace {

/// Knows one name with one IPv4 address; on a port of its own.
class NameServer {
 public:
  NameServer() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    socklen_t size = sizeof address;
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    name_ = fmt::format("127.0.0.1:{}", ntohs(address.sin_port));
    thread_ = std::jthread([this](std::stop_token const& stop) {
      while (!stop.stop_requested())
        Serve();
    });
  }
  [[nodiscard]] std::string const& name() const { return name_; }

 private:
  void Serve() const {
    pollfd ready{socket_.get(), POLLIN, 0};
    if (::poll(&ready, 1, 50) <= 0) return;
    std::array<char, 512> buffer{};
    sockaddr_in from{};
    socklen_t size = sizeof from;
    auto const got = ::recvfrom(socket_.get(), buffer.data(), buffer.size(), 0,
                                reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 17) return;
    std::string answer(buffer.data(), static_cast<std::size_t>(got));
    bool const known = answer.find(std::string("\4peer\4test\0\0\1", 13)) != std::string::npos;
    answer[2] = '\x81';                   // an answer
    answer[3] = known ? '\x80' : '\x83';  // or no such name
    answer.replace(6, 6, 6, '\0');        // no other records
    answer.resize(12 + QuestionSize(answer));
    if (known) {
      answer[7] = '\1';
      answer += std::string("\xc0\x0c\0\1\0\1\0\0\0\1\0\4\x0a\x01\x02\x03", 16);
    }
    ::sendto(socket_.get(), answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from),
             size);
  }
  static std::size_t QuestionSize(std::string const& query) {
    return query.find('\0', 12) + 5 - 12;
  }

  UniqueFd socket_;
  std::string name_;
  std::jthread thread_;
};

TEST(Resolver, AsksTheGivenServersOnly) {
  NameServer const server;

  auto const found = Resolve("peer.test", {server.name()});

  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(*found, (std::vector<std::string>{"10.1.2.3"}));
  auto const none = Resolve("other.test", {server.name()});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message, "there is no host 'other.test'");
}

TEST(Resolver, AsksNobodyForAnAddress) {
  EXPECT_EQ(Resolve("10.1.2.3", {}).value(), (std::vector<std::string>{"10.1.2.3"}));
  EXPECT_EQ(Resolve("fd00::1", {}).value(), (std::vector<std::string>{"fd00::1"}));
  EXPECT_EQ(Resolve("peer.test", {}).error().message, "there is no name server");
  EXPECT_EQ(Resolve("peer.test", {"x"}).error().message, "name server 'x' is no address");
}

}  // namespace
}  // namespace trellis::plugins::zlogs
