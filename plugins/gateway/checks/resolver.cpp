#include "plugins/gateway/checks/resolver.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/socket_address.hpp"

#include <arpa/nameser.h>
#include <poll.h>
#include <resolv.h>
#include <sys/socket.h>

#include <array>
#include <random>

namespace trellis::plugins::gateway {

namespace {

using Clock = std::chrono::steady_clock;
using Bytes = std::vector<unsigned char>;

constexpr std::size_t kMaxMessage = 4096;
/// UDP loses packets: the question is asked again.
constexpr std::chrono::milliseconds kAskAgain{2000};

void AddNumber(Bytes& message, std::uint16_t number) {
  message.push_back(static_cast<unsigned char>(number >> 8U));
  message.push_back(static_cast<unsigned char>(number & 0xffU));
}

/// One question, recursion desired. The labels have been checked to fit.
Bytes Question(std::string_view domain, std::uint16_t id, std::uint16_t type) {
  Bytes message;
  constexpr std::uint16_t kRecursion = 0x0100;
  for (auto const number :
       {id, kRecursion, std::uint16_t{1}, std::uint16_t{0}, std::uint16_t{0}, std::uint16_t{0}})
    AddNumber(message, number);
  while (!domain.empty()) {
    auto const label = domain.substr(0, domain.find('.'));
    message.push_back(static_cast<unsigned char>(label.size()));
    message.insert(message.end(), label.begin(), label.end());
    domain.remove_prefix(std::min(label.size() + 1, domain.size()));
  }
  message.push_back(0);
  AddNumber(message, type);
  AddNumber(message, ns_c_in);
  return message;
}

Result<Bytes> Exchange(SocketAddress const& server, Bytes const& question,
                       Clock::time_point until) {
  UniqueFd const fd(::socket(server.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return FailErrno("make a socket");
  if (::connect(fd.get(), server.raw(), server.size) != 0)
    return Fail(Code::kUnavailable, "the name server cannot be reached");
  Bytes reply(kMaxMessage);
  while (true) {
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
    if (left.count() <= 0) return Fail(Code::kUnavailable, "the name server does not answer");
    (void)::send(fd.get(), question.data(), question.size(), MSG_NOSIGNAL);
    pollfd entry{fd.get(), POLLIN, 0};
    if (::poll(&entry, 1, static_cast<int>(std::min(left, kAskAgain).count())) <= 0) continue;
    auto const got = ::recv(fd.get(), reply.data(), reply.size(), 0);
    if (got < 0) return Fail(Code::kUnavailable, "the name server refuses questions");
    bool const ours = got > 2 && reply[0] == question[0] && reply[1] == question[1];
    if (!ours) continue;
    reply.resize(static_cast<std::size_t>(got));
    return reply;
  }
}

Result<void> AddAddresses(Bytes const& reply, std::vector<IpAddress>& found) {
  ns_msg message{};
  if (::ns_initparse(reply.data(), static_cast<int>(reply.size()), &message) != 0)
    return Fail(Code::kUnavailable, "the name server's answer is not understood");
  auto const code = ns_msg_getflag(message, ns_f_rcode);
  if (code == ns_r_nxdomain) return {};
  if (code != ns_r_noerror)
    return Fail(Code::kUnavailable, "the name server cannot answer (code {})", code);
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    ns_rr record{};
    if (::ns_parserr(&message, ns_s_an, i, &record) != 0) break;
    auto const* data = ns_rr_rdata(record);
    if (ns_rr_type(record) == ns_t_a && ns_rr_rdlen(record) == NS_INADDRSZ) {
      found.push_back(IpAddress::V4({data[0], data[1], data[2], data[3]}));
    } else if (ns_rr_type(record) == ns_t_aaaa && ns_rr_rdlen(record) == NS_IN6ADDRSZ) {
      std::array<std::uint8_t, NS_IN6ADDRSZ> bytes{};
      std::copy_n(data, bytes.size(), bytes.begin());
      found.push_back(IpAddress::V6(bytes));
    }
  }
  return {};
}

}  // namespace

Result<std::vector<IpAddress>> Resolve(std::string const& server, std::string const& domain,
                                       std::chrono::milliseconds limit) {
  auto const address = ReadSocketAddress(server);
  if (!address)
    return Fail(Code::kInvalid, "resolver '{}' is not an ip address and a port", server);
  auto const until = Clock::now() + limit;
  std::random_device random;
  std::vector<IpAddress> found;
  for (auto const type : {ns_t_a, ns_t_aaaa}) {
    auto const id = static_cast<std::uint16_t>(random() & 0xffffU);
    auto const question = Question(domain, id, static_cast<std::uint16_t>(type));
    TRELLIS_TRY(auto const reply, Exchange(*address, question, until));
    TRELLIS_CHECK(AddAddresses(reply, found));
  }
  return found;
}

}  // namespace trellis::plugins::gateway
