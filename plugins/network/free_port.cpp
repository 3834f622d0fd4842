#include "plugins/network/free_port.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/network/checks.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <random>

namespace trellis::plugins::network {

namespace {

constexpr std::uint16_t kFirstPort = 1024;
constexpr std::uint16_t kLastPort = 32767;  // as clients choose them
constexpr int kTries = 1000;

// Of both families: a listener on either has the port for itself.
bool CanListen(std::uint16_t port, int type) {
  UniqueFd const fd(::socket(AF_INET6, type | SOCK_CLOEXEC, 0));
  sockaddr_in6 both{};
  both.sin6_family = AF_INET6;
  both.sin6_port = htons(port);
  if (fd) return ::bind(fd.get(), reinterpret_cast<sockaddr const*>(&both), sizeof both) == 0;
  UniqueFd const old(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_port = htons(port);
  return old && ::bind(old.get(), reinterpret_cast<sockaddr const*>(&four), sizeof four) == 0;
}

}  // namespace

Result<std::uint16_t> ChoosePort(std::set<std::uint16_t> const& used, std::string_view proto) {
  std::random_device random;
  std::uniform_int_distribution<std::uint16_t> pick(kFirstPort, kLastPort);
  int const type = proto == "tcp" ? SOCK_STREAM : SOCK_DGRAM;
  for (int i = 0; i < kTries; ++i) {
    auto const port = pick(random);
    if (CheckPort(port, used) && CanListen(port, type)) return port;
  }
  return Fail(Code::kExhausted, "no free {} port", proto);
}

}  // namespace trellis::plugins::network
