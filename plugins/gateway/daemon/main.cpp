// trellis-nnc: forwards what the node's proxy sends into user networks, and answers for the node's
// name while a certificate is ordered. Runs in the proxy's namespace; each socket towards a backend
// is made inside its network's namespace.
#include "plugins/gateway/daemon/control.hpp"

#include <cap-ng.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>

namespace {

using namespace trellis::plugins::gateway;  // NOLINT: the program is one function of it
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLookEvery{1000};
constexpr int kUsage = 2;

/// Entering namespaces, and the port of name servers, are all that it needs rights for.
trellis::Result<void> Confine() {
  constexpr auto kSets = CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET;
  ::capng_clear(CAPNG_SELECT_ALL);
  bool const kept = ::capng_updatev(CAPNG_ADD, static_cast<capng_type_t>(kSets), CAP_SYS_ADMIN,
                                    CAP_NET_BIND_SERVICE, -1) == 0;
  // The bounding set needs CAP_SETPCAP, so it goes first.
  if (!kept || ::capng_apply(CAPNG_SELECT_BOUNDS) != 0 || ::capng_apply(CAPNG_SELECT_CAPS) != 0 ||
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return trellis::Fail(trellis::Code::kIo, "cannot drop capabilities");
  return {};
}

trellis::Result<void> Run(std::string const& socket) {
  TRELLIS_CHECK(Confine());
  rlimit descriptors{};
  (void)::getrlimit(RLIMIT_NOFILE, &descriptors);  // cannot fail
  TRELLIS_TRY(auto loop, Loop::Open());
  TRELLIS_TRY(auto const forwarder, Forwarder::Open(loop, descriptors.rlim_cur));
  DnsServer names(loop);
  TRELLIS_TRY(auto const control, Control::Open(loop, *forwarder, names, socket));
  for (auto next = Clock::now() + kLookEvery;;) {
    TRELLIS_CHECK(loop.Turn(kLookEvery));
    if (Clock::now() < next) continue;
    forwarder->LookAround();
    names.LookAround();
    next = Clock::now() + kLookEvery;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: trellis-nnc CONTROL-SOCKET\n");
    return kUsage;
  }
  (void)std::signal(SIGPIPE, SIG_IGN);
  auto const done = Run(argv[1]);
  fmt::print(stderr, "trellis-nnc: {}\n", done.error().message);
  return 1;
}
