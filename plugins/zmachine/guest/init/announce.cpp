#include "plugins/zmachine/guest/init/announce.hpp"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace trellis::guest {
namespace {

using Mac = std::array<std::uint8_t, ETH_ALEN>;

Mac ParseMac(std::string const& text) {
  constexpr int kHex = 16;
  Mac mac{};
  char const* at = text.data();
  char const* const end = text.data() + text.size();
  for (auto& byte : mac) {
    at = std::from_chars(at, end, byte, kHex).ptr;
    if (at != end) ++at;
  }
  return mac;
}

void GratuitousArp(int interface, Mac const& mac, Network const& address) {
  ether_arp arp{};
  arp.ea_hdr.ar_hrd = htons(ARPHRD_ETHER);
  arp.ea_hdr.ar_pro = htons(ETHERTYPE_IP);
  arp.ea_hdr.ar_hln = ETH_ALEN;
  arp.ea_hdr.ar_pln = sizeof(in_addr);
  arp.ea_hdr.ar_op = htons(ARPOP_REQUEST);
  std::memcpy(arp.arp_sha, mac.data(), mac.size());
  std::memcpy(arp.arp_spa, address.address.data(), sizeof(arp.arp_spa));
  std::memcpy(arp.arp_tpa, address.address.data(), sizeof(arp.arp_tpa));
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(ETHERTYPE_ARP);
  to.sll_ifindex = interface;
  to.sll_halen = ETH_ALEN;
  std::memset(to.sll_addr, 0xff, ETH_ALEN);
  Fd const socket(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETHERTYPE_ARP)));
  ::sendto(socket.get(), &arp, sizeof(arp), MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&to),
           sizeof(to));
}

void NeighbourAdvertisement(int interface, Mac const& mac, Network const& address) {
  struct Message {
    nd_neighbor_advert advert;
    nd_opt_hdr option;
    Mac mac;
  } message{};
  message.advert.nd_na_type = ND_NEIGHBOR_ADVERT;
  message.advert.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE;
  std::memcpy(&message.advert.nd_na_target, address.address.data(), sizeof(in6_addr));
  message.option.nd_opt_type = ND_OPT_TARGET_LINKADDR;
  message.option.nd_opt_len = 1;
  message.mac = mac;
  Fd const socket(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6));
  int const hops = 255;  // receivers drop neighbour messages that may have crossed a router
  ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops));
  ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_MULTICAST_IF, &interface, sizeof(interface));
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_scope_id = static_cast<std::uint32_t>(interface);
  ::inet_pton(AF_INET6, "ff02::1", &to.sin6_addr);
  ::sendto(socket.get(), &message, sizeof(message), MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&to),
           sizeof(to));
}

}  // namespace

void Announce(int interface, std::string const& mac, Network const& address) {
  if (address.family == AF_INET) {
    GratuitousArp(interface, ParseMac(mac), address);
  } else {
    NeighbourAdvertisement(interface, ParseMac(mac), address);
  }
}

}  // namespace trellis::guest
