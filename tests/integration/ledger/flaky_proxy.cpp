#include "tests/integration/ledger/flaky_proxy.hpp"

#include "kernel/base/strings.hpp"
#include "kernel/ledger/etcd/connection.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <list>
#include <vector>

namespace trellis::ledger {
namespace {

sockaddr_in AddressOf(std::string const& host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  return address;
}

struct Pair {
  sys::UniqueFd client;
  sys::UniqueFd member;
};

/// Carries what is there from one end to the other. False: an end is closed.
bool Carry(int from, int to, std::string& seen) {
  std::array<char, 65'536> buffer{};
  auto const size = ::read(from, buffer.data(), buffer.size());
  if (size <= 0) return false;
  seen.assign(buffer.data(), static_cast<std::size_t>(size));
  for (std::size_t sent = 0; sent < seen.size();) {
    auto const more = ::send(to, seen.data() + sent, seen.size() - sent, MSG_NOSIGNAL);
    if (more <= 0) return false;
    sent += static_cast<std::size_t>(more);
  }
  return true;
}

}  // namespace

FlakyProxy::FlakyProxy(std::string const& member) {
  auto const endpoint = etcd::Endpoint::Parse(member);
  if (!endpoint) std::abort();
  address_ = endpoint->host;
  member_port_ = strings::ParseNumber<std::uint16_t>(endpoint->port).value_or(0);
  listener_ = sys::UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  stop_ = sys::UniqueFd(::eventfd(0, EFD_CLOEXEC));
  auto address = AddressOf("127.0.0.1", 0);
  socklen_t size = sizeof(address);
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_.get(), raw, size) != 0 || ::listen(listener_.get(), 16) != 0 ||
      ::getsockname(listener_.get(), raw, &size) != 0)
    std::abort();
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Serve(); });
}

FlakyProxy::~FlakyProxy() {
  std::uint64_t const one = 1;
  if (::write(stop_.get(), &one, sizeof(one)) != sizeof(one)) std::abort();
  thread_.join();
}

std::string FlakyProxy::endpoint() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

void FlakyProxy::Serve() {
  std::list<Pair> pairs;
  for (;;) {
    std::vector<pollfd> polls{{stop_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    for (auto const& pair : pairs) {
      polls.push_back({pair.client.get(), POLLIN, 0});
      polls.push_back({pair.member.get(), POLLIN, 0});
    }
    if (::poll(polls.data(), polls.size(), -1) < 0 || polls[0].revents != 0) return;
    std::string seen;
    std::size_t index = 2;
    for (auto pair = pairs.begin(); pair != pairs.end(); index += 2) {
      bool open = true;
      if (polls[index].revents != 0) open = Carry(pair->client.get(), pair->member.get(), seen);
      if (open && polls[index + 1].revents != 0) {
        std::array<char, 4096> start{};
        auto const size = ::recv(pair->member.get(), start.data(), start.size(), MSG_PEEK);
        std::string_view const text(start.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
        bool const commit = text.find("response_put") != std::string_view::npos;
        if (commit && lose_.exchange(false)) {
          ++lost_;
          open = false;
        } else {
          open = Carry(pair->member.get(), pair->client.get(), seen);
        }
      }
      pair = open ? std::next(pair) : pairs.erase(pair);
    }
    if (polls[1].revents == 0) continue;
    Pair pair;
    pair.client = sys::UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    pair.member = sys::UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    auto const address = AddressOf(address_, member_port_);
    if (::connect(pair.member.get(), reinterpret_cast<sockaddr const*>(&address),
                  sizeof(address)) == 0)
      pairs.push_back(std::move(pair));
  }
}

}  // namespace trellis::ledger
