#include "plugins/network/rules.hpp"

#include "plugins/network/names.hpp"
#include "plugins/network/netlink.hpp"
#include "plugins/network/nft.hpp"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <set>

namespace trellis::plugins::network {

namespace {

constexpr std::string_view kBaseChecks = R"(
  chain base_checks {
    ct state established,related accept
    ct state invalid drop
  }
)";

std::string Numbers(std::vector<std::uint16_t> const& ports) {
  return fmt::format("{}", fmt::join(ports, ", "));
}

std::string Elements(std::set<std::string> const& of_set) {
  return of_set.empty() ? std::string()
                        : fmt::format("elements = {{ {} }}", fmt::join(of_set, ", "));
}

// Of a namespace in which one server listens, and nothing else.
std::string ServerRules(std::string_view open) {
  return fmt::format(R"({}
  chain input {{
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
    jump base_checks
    meta l4proto ipv6-icmp accept
    {}
    counter drop
  }}
  chain forward {{
    type filter hook forward priority filter; policy drop;
  }}
)",
                     kBaseChecks, open);
}

// Rules in the table: somebody may have flushed it.
Result<std::size_t> CountRules() {
  TRELLIS_TRY(auto netlink, Netlink::Open(NETLINK_NETFILTER));
  NetlinkMessage message((NFNL_SUBSYS_NFTABLES << 8U) | NFT_MSG_GETRULE, NLM_F_DUMP);
  message.Body<nfgenmsg>().nfgen_family = NFPROTO_INET;
  message.Put(NFTA_RULE_TABLE, "trellis");
  std::size_t count = 0;
  TRELLIS_CHECK(
      netlink.Query(message, "count packet filter rules", [&](nlmsghdr const*) { ++count; }));
  return count;
}

std::string MarkOf(std::string_view text, std::size_t count) {
  return fmt::format("{}-{}", RulesMark(text), count);
}

}  // namespace

std::string NetworkRules::Text() const {
  auto const link = NamespaceName(net_id);
  auto const tunnel = TunnelName(net_id);
  auto const net6 = IpNet{PrivateV6(net_id, subnet.Masked().ip), 64}.Masked().ToString();
  auto const smtp =
      smtp_block.empty()
          ? std::string()
          : fmt::format(
                "iifname {{ \"{}\", \"{}\" }} oifname \"public\" tcp dport {{ {} }} counter reject "
                "with icmpx admin-prohibited",
                link, tunnel, Numbers(smtp_block));
  return fmt::format(
      R"(
  chain prerouting {{
    type filter hook prerouting priority raw; policy accept;
    iifname "{link}" ip saddr != {{ {subnet}, 0.0.0.0 }} counter drop
    iifname "{link}" ip6 saddr != {{ {net6}, fe80::/10, :: }} counter drop
    iifname "{link}" icmpv6 type nd-neighbor-solicit limit rate over 50/second burst 100 packets counter drop
  }}
{base}
  chain input {{
    type filter hook input priority filter; policy accept;
    iifname "lo" accept
    jump base_checks
    iifname != "public" icmp type {{ echo-request, destination-unreachable, time-exceeded, parameter-problem }} accept
    iifname != "public" meta l4proto ipv6-icmp accept
    iifname "public" icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert, packet-too-big, destination-unreachable, time-exceeded, parameter-problem }} accept
    iifname "public" counter drop
  }}
  chain forward {{
    type filter hook forward priority filter; policy drop;
    oifname "{tunnel}" tcp flags & (syn|rst) == syn tcp option maxseg size set rt mtu
    jump base_checks
    iifname "public" counter drop
    {smtp}
    oifname "public" ip daddr {{ 100.64.0.0/10, {range}, 169.254.0.0/16, 224.0.0.0/4 }} counter reject with icmpx admin-prohibited
    iifname "{link}" oifname "public" ip6 daddr fd00::/64 tcp dport {{ 9100, 9900 }} accept
    oifname "public" ip6 daddr {{ fc00::/7, fe80::/10, ff00::/8 }} counter reject with icmpx admin-prohibited
    iifname {{ "{link}", "{tunnel}" }} accept
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    oifname "public" masquerade fully-random
  }}
)",
      fmt::arg("link", link), fmt::arg("tunnel", tunnel),
      fmt::arg("subnet", subnet.Masked().ToString()), fmt::arg("net6", net6),
      fmt::arg("base", kBaseChecks), fmt::arg("smtp", smtp),
      fmt::arg("range", ip_range.Masked().ToString()));
}

std::string NdmzRules(std::vector<IpAddress> const& host_addresses,
                      std::vector<IpNet> const& lan_block) {
  std::set<std::string> addresses;
  for (auto const& ip : host_addresses) {
    if (ip.is_v4()) addresses.insert(ip.ToString());
  }
  std::set<std::string> blocked;
  std::set<std::string> blocked6;
  for (auto const& net : lan_block)
    (net.ip.is_v4() ? blocked : blocked6).insert(net.Masked().ToString());
  return fmt::format(
      R"(
  set host_addrs {{ type ipv4_addr; flags interval; auto-merge; {}
  }}
  set lan_block {{ type ipv4_addr; flags interval; auto-merge; {}
  }}
  set lan_block6 {{ type ipv6_addr; flags interval; auto-merge; {}
  }}
{}
  chain input {{
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
    jump base_checks
    meta l4proto ipv6-icmp accept
    iifname "tonrs" icmp type echo-request accept
    counter drop
  }}
  chain forward {{
    type filter hook forward priority filter; policy drop;
    jump base_checks
    iifname "tonrs" oifname "tonrs" counter drop
    iifname "tonrs" ip daddr @host_addrs counter drop
    iifname "tonrs" ip daddr @lan_block counter drop
    iifname "tonrs" ip6 daddr @lan_block6 counter drop
    iifname "tonrs" oifname {{ "npub4", "npub6" }} accept
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    oifname {{ "npub4", "npub6" }} masquerade fully-random
  }}
)",
      Elements(addresses), Elements(blocked), Elements(blocked6), kBaseChecks);
}

std::string ZdbRules() {
  return ServerRules("tcp dport 9900 accept");
}

std::string QsfsRules() {
  return ServerRules(
      "iifname \"ygg0\" tcp dport 9100 accept\n"
      "    iifname \"public\" ip6 saddr fd00::/64 tcp dport 9100 accept");
}

std::string HostRules(std::string_view link, IpNet const& source) {
  return fmt::format(R"(
  chain input {{
    type filter hook input priority filter; policy accept;
    iifname "{0}" ct state established,related accept
    iifname "{0}" counter drop
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {1} masquerade
  }}
)",
                     link, source.Masked().ToString());
}

Result<void> ApplyRules(std::string_view text) {
  // Deleting the whole table first also removes chains and sets that are no longer wanted.
  TRELLIS_CHECK(RunNft(fmt::format(
      "add table inet trellis\ndelete table inet trellis\ntable inet trellis {{\n{}}}\n", text)));
  // Only now, so that what is not complete is never taken for complete.
  TRELLIS_TRY(auto const count, CountRules());
  TRELLIS_CHECK(RunNft(
      fmt::format("add chain inet trellis made_of {{ comment \"{}\"; }}", MarkOf(text, count))));
  return {};
}

Result<bool> HasRules(std::string_view text) {
  auto const listed = RunNft("list chain inet trellis made_of");
  if (!listed && listed.error().code == Code::kNotFound) return false;
  TRELLIS_CHECK(listed);
  TRELLIS_TRY(auto const count, CountRules());
  return listed->find("\"" + MarkOf(text, count) + "\"") != std::string::npos;
}

Result<void> RemoveRules() {
  TRELLIS_CHECK(RunNft("add table inet trellis\ndelete table inet trellis\n"));
  return {};
}

}  // namespace trellis::plugins::network
