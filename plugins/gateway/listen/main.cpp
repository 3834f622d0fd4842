// trellis-listen: opens the sockets that a program listens with, and becomes that program. An
// address that is named twice is one socket with two descriptors, so that the program can hand it
// from one half of itself to the other without losing a connection.
#include "plugins/gateway/haproxy/config_text.hpp"
#include "plugins/gateway/listen/sockets.hpp"

#include <unistd.h>

#include <cstdio>
#include <span>
#include <string_view>

namespace {

using namespace trellis::plugins::gateway;  // NOLINT: the program is one function of it

constexpr int kUsage = 2;

}  // namespace

int main(int argc, char** argv) {
  std::span<char*> const words(argv, static_cast<std::size_t>(argc));
  std::vector<std::string> addresses;
  std::size_t next = 1;
  for (; next < words.size() && std::string_view(words[next]) != "--"; ++next)
    addresses.emplace_back(words[next]);
  if (addresses.empty() || next + 1 >= words.size()) {
    fmt::print(stderr, "usage: trellis-listen IP:PORT... -- PROGRAM [ARGUMENT...]\n");
    return kUsage;
  }
  if (auto const done = ListenAt(addresses, kFirstListener); !done) {
    fmt::print(stderr, "trellis-listen: {}\n", done.error().message);
    return 1;
  }
  ::execv(words[next + 1], &words[next + 1]);
  fmt::print(stderr, "trellis-listen: cannot run '{}': {}\n", words[next + 1], errno);
  return 1;
}
