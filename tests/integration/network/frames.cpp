#include "tests/integration/network/frames.hpp"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

namespace trellis::plugins::network {

namespace {

constexpr std::size_t kMaxFrame = 4096;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kIcmp6 = 58;
constexpr std::uint8_t kHops = 255;
constexpr std::uint16_t kPort = 9;

std::string Byte(unsigned value) {
  return std::string(1, static_cast<char>(value & 0xffU));
}
std::string Word(unsigned value) {
  return Byte(value >> 8U) + Byte(value);
}
std::string Long(std::uint32_t value) {
  return Word(value >> 16U) + Word(value & 0xffffU);
}
std::string Text(IpAddress const& ip) {
  auto const bytes = ip.bytes();
  return {bytes.begin(), bytes.begin() + (ip.is_v4() ? 4 : 16)};
}
std::string Text(MacAddress const& mac) {
  return {mac.begin(), mac.end()};
}

std::uint16_t Checksum(std::string const& bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::uint32_t const byte = static_cast<unsigned char>(bytes[i]);
    sum += i % 2 == 0 ? byte << 8U : byte;
  }
  while (sum > 0xffffU)
    sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<std::uint16_t>(~sum & 0xffffU);
}

std::string Ip4(IpAddress const& from, IpAddress const& to, std::string const& body) {
  auto const size = static_cast<unsigned>(20 + body.size());
  auto const header = [&](unsigned sum) {
    return Word(0x4500) + Word(size) + Word(0) + Word(0) + Byte(64) + Byte(kUdp) + Word(sum) +
           Text(from) + Text(to);
  };
  return header(Checksum(header(0))) + body;
}

std::string Ip6(IpAddress const& from, IpAddress const& to, std::uint8_t next,
                std::string const& body) {
  return Long(0x60000000) + Word(static_cast<unsigned>(body.size())) + Byte(next) + Byte(kHops) +
         Text(from) + Text(to) + body;
}

}  // namespace

Frame Ethernet(Ends const& ends, std::uint16_t type, std::string_view payload) {
  return Text(ends.to) + Text(ends.from) + Word(type) + std::string(payload);
}

Frame Udp(Ends const& ends, IpAddress const& from, IpAddress const& to, std::uint16_t from_port,
          std::string_view text) {
  // No checksum: nothing between the two ends looks at it.
  auto const body = Word(from_port) + Word(kPort) + Word(static_cast<unsigned>(8 + text.size())) +
                    Word(0) + std::string(text);
  return from.is_v4() ? Ethernet(ends, kEtherIp4, Ip4(from, to, body))
                      : Ethernet(ends, kEtherIp6, Ip6(from, to, kUdp, body));
}

Frame ArpReply(Ends const& ends, MacAddress const& mac, IpAddress const& ip) {
  return Ethernet(ends, kEtherArp,
                  Word(1) + Word(kEtherIp4) + Byte(6) + Byte(4) + Word(2) + Text(mac) + Text(ip) +
                      Text(ends.to) + Text(ip));
}

Frame ArpRequest(Ends const& ends, IpAddress const& ip, IpAddress const& target) {
  return Ethernet(ends, kEtherArp,
                  Word(1) + Word(kEtherIp4) + Byte(6) + Byte(4) + Word(1) + Text(ends.from) +
                      Text(ip) + std::string(6, '\0') + Text(target));
}

Frame Icmp6(Ends const& ends, IpAddress const& from, IpAddress const& to, std::uint8_t type,
            std::string_view body) {
  auto const message = [&](unsigned sum) {
    return Byte(type) + Byte(0) + Word(sum) + std::string(body);
  };
  auto const size = static_cast<std::uint32_t>(4 + body.size());
  auto const sum = Checksum(Text(from) + Text(to) + Long(size) + Long(kIcmp6) + message(0));
  return Ethernet(ends, kEtherIp6, Ip6(from, to, kIcmp6, message(sum)));
}

Frame RouterAdvert(Ends const& ends, IpAddress const& router, IpNet const& prefix) {
  auto const option = Byte(3) + Byte(4) + Byte(prefix.prefix) + Byte(0xc0) + Long(86400) +
                      Long(14400) + Long(0) + Text(prefix.Masked().ip);
  auto const body = Byte(64) + Byte(0) + Word(1800) + Long(0) + Long(0) + option;
  auto const everyone = IpAddress::Parse("ff02::1");
  return Icmp6(ends, router, *everyone, 134, body);
}

Frame NeighbourAdvert(Ends const& ends, IpAddress const& from, IpAddress const& target) {
  auto const everyone = IpAddress::Parse("ff02::1");
  return Icmp6(ends, from, *everyone, 136,
               Long(0x20000000) + Text(target) + Byte(2) + Byte(1) + Text(ends.from));
}

Result<FrameSocket> FrameSocket::Open(Namespaces const& namespaces, std::string const& name,
                                      std::string const& link) {
  UniqueFd socket;
  auto const open = [&]() -> Result<void> {
    socket = UniqueFd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)));
    if (!socket) return FailErrno("open a packet socket");
    sockaddr_ll place{};
    place.sll_family = AF_PACKET;
    place.sll_protocol = htons(ETH_P_ALL);
    place.sll_ifindex = static_cast<int>(::if_nametoindex(link.c_str()));
    if (::bind(socket.get(), reinterpret_cast<sockaddr const*>(&place), sizeof place) != 0)
      return FailErrno("bind a packet socket");
    return {};
  };
  TRELLIS_CHECK(name.empty() ? open() : namespaces.RunIn(name, open));
  return FrameSocket(std::move(socket));
}

Result<void> FrameSocket::Send(Frame const& frame) const {
  auto const sent = ::send(socket_.get(), frame.data(), frame.size(), 0);
  return sent < 0 ? Result<void>(FailErrno("send a frame")) : Result<void>();
}

std::optional<Frame> FrameSocket::Receive(std::chrono::milliseconds limit) const {
  auto const end = std::chrono::steady_clock::now() + limit;
  for (;;) {
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    pollfd ready{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) <= 0)
      return std::nullopt;
    std::array<char, kMaxFrame> buffer{};
    sockaddr_ll from{};
    socklen_t size = sizeof from;
    auto const got = ::recvfrom(socket_.get(), buffer.data(), buffer.size(), 0,
                                reinterpret_cast<sockaddr*>(&from), &size);
    // The socket also hears what this side sends.
    if (got > 0 && from.sll_pkttype != PACKET_OUTGOING)
      return Frame(buffer.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace trellis::plugins::network
