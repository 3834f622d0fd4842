#include "tests/integration/gateway/tls_talk.hpp"

#include "tests/integration/gateway/lab.hpp"
#include "tests/support/patience.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>

namespace trellis::plugins::gateway {

TlsTalk::TlsTalk(std::string domain) : domain_(std::move(domain)) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return;
  ours_ = UniqueFd(ends[0]);
  UniqueFd const theirs(ends[1]);
  auto const node = fmt::format("{}:443", kNodeIp);
  pid_ = ::fork();
  if (pid_ != 0) return;
  if (::dup2(theirs.get(), STDIN_FILENO) < 0 || ::dup2(theirs.get(), STDOUT_FILENO) < 0) ::_exit(1);
  ::execl("/usr/bin/openssl", "openssl", "s_client", "-quiet", "-connect", node.c_str(),
          "-servername", domain_.c_str(), nullptr);
  ::_exit(1);
}

TlsTalk::~TlsTalk() {
  if (pid_ <= 0) return;
  (void)::kill(pid_, SIGKILL);
  (void)::waitpid(pid_, nullptr, 0);
}

bool TlsTalk::Hears(std::string const& text) {
  auto const request = fmt::format("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", domain_);
  if (::send(ours_.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return false;
  std::string heard;
  std::array<char, 4096> chunk{};
  while (heard.find(text) == std::string::npos) {
    pollfd ready{ours_.get(), POLLIN, 0};
    constexpr std::chrono::milliseconds kLimit = trellis::testing::kPatience;
    if (::poll(&ready, 1, static_cast<int>(kLimit.count())) <= 0) return false;
    auto const got = ::recv(ours_.get(), chunk.data(), chunk.size(), 0);
    if (got <= 0) return false;
    heard.append(chunk.data(), static_cast<std::size_t>(got));
  }
  return true;
}

}  // namespace trellis::plugins::gateway
