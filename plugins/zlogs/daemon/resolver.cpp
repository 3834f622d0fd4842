#include "plugins/zlogs/daemon/resolver.hpp"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>

namespace trellis::plugins::zlogs {
namespace {

constexpr std::size_t kMaxAnswer = 8192;
constexpr std::size_t kMaxAddresses = 16;
constexpr std::uint16_t kDnsPort = 53;
constexpr int kTrySeconds = 2;

bool IsAddress(std::string const& host) {
  std::array<unsigned char, sizeof(in6_addr)> ignored{};
  return ::inet_pton(AF_INET, host.c_str(), ignored.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), ignored.data()) == 1;
}

std::optional<sockaddr_in> ServerOf(std::string const& text) {
  auto const colon = text.find(':');
  sockaddr_in server{};
  server.sin_family = AF_INET;
  std::uint16_t port = kDnsPort;
  if (colon != std::string::npos) {
    auto const* const end = text.data() + text.size();
    if (std::from_chars(text.data() + colon + 1, end, port).ptr != end) return std::nullopt;
  }
  server.sin_port = htons(port);
  if (::inet_pton(AF_INET, text.substr(0, colon).c_str(), &server.sin_addr) != 1)
    return std::nullopt;
  return server;
}

/// IPv6 servers are left out: a network without IPv6 could not reach them.
Result<void> UseServers(struct __res_state& state, std::vector<std::string> const& servers) {
  state.nscount = 0;
  for (auto const& text : servers) {
    if (state.nscount >= MAXNS) break;
    if (std::count(text.begin(), text.end(), ':') > 1) continue;
    auto const server = ServerOf(text);
    if (!server) return Fail(Code::kInvalid, "name server '{}' is no address", text);
    state.nsaddr_list[state.nscount++] = *server;
  }
  if (state.nscount == 0) return Fail(Code::kInvalid, "there is no name server");
  return {};
}

void AddRecords(ns_msg& message, ns_type type, std::vector<std::string>& found) {
  for (int i = 0; i < ns_msg_count(message, ns_s_an) && found.size() < kMaxAddresses; ++i) {
    ns_rr record{};
    if (::ns_parserr(&message, ns_s_an, i, &record) != 0) return;
    bool const six = type == ns_t_aaaa;
    std::size_t const length = six ? sizeof(in6_addr) : sizeof(in_addr);
    if (ns_rr_type(record) != type || ns_rr_rdlen(record) != length) continue;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (::inet_ntop(six ? AF_INET6 : AF_INET, ns_rr_rdata(record), text.data(), text.size()) !=
        nullptr)
      found.emplace_back(text.data());
  }
}

}  // namespace

Result<std::vector<std::string>> Resolve(std::string const& host,
                                         std::vector<std::string> const& servers) {
  if (IsAddress(host)) return std::vector<std::string>{host};
  if (host == "localhost") return std::vector<std::string>{"127.0.0.1", "::1"};
  struct __res_state state {};
  if (::res_ninit(&state) != 0) return Fail(Code::kInternal, "no resolver");
  std::unique_ptr<struct __res_state, decltype(&::res_nclose)> const closing(&state, &::res_nclose);
  TRELLIS_CHECK(UseServers(state, servers));
  state.retrans = kTrySeconds;
  state.retry = 1;
  std::vector<std::string> found;
  bool answered = false;
  for (auto const type : {ns_t_a, ns_t_aaaa}) {
    std::array<unsigned char, kMaxAnswer> answer{};
    int const size = ::res_nquery(&state, host.c_str(), ns_c_in, type, answer.data(),
                                  static_cast<int>(answer.size()));
    answered = answered || size >= 0 || state.res_h_errno == HOST_NOT_FOUND ||
               state.res_h_errno == NO_DATA;
    ns_msg message{};
    if (size > 0 && ::ns_initparse(answer.data(), std::min(size, static_cast<int>(answer.size())),
                                   &message) == 0)
      AddRecords(message, type, found);
  }
  if (!found.empty()) return found;
  if (!answered) return Fail(Code::kUnavailable, "no name server answers for '{}'", host);
  return Fail(Code::kNotFound, "there is no host '{}'", host);
}

}  // namespace trellis::plugins::zlogs
