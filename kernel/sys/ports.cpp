#include "kernel/sys/ports.hpp"

#include "kernel/base/random.hpp"
#include "kernel/sys/errors.hpp"
#include "kernel/sys/fd.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace trellis::sys {
namespace {

constexpr std::uint16_t kFirst = 20'000;
constexpr std::uint16_t kEnd = 32'000;  // Linux gives ports from 32768 on to outgoing connections
constexpr int kTries = 100;

Result<bool> IsFree(std::uint16_t port) {
  UniqueFd const fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return Fail("socket", "127.0.0.1");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::bind(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0;
}

}  // namespace

Result<std::uint16_t> PickPort() {
  for (int i = 0; i < kTries; ++i) {
    auto const port = static_cast<std::uint16_t>(kFirst + RandomBelow(kEnd - kFirst));
    TRELLIS_TRY(bool const is_free, IsFree(port));
    if (is_free) return port;
  }
  return trellis::Fail(Code::kExhausted, "no free port among {} tried", kTries);
}

}  // namespace trellis::sys
