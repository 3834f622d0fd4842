#include "plugins/network/public_filter.hpp"

#include "plugins/network/nft.hpp"

#include <charconv>
#include <optional>

namespace trellis::plugins::network {

namespace {

constexpr char const* kSuffix = "pub";
constexpr std::string_view kFromMap = "pub_in";
constexpr std::string_view kToMap = "pub_out";

// Written with every change: a table that lost a part of it gets it back. Flushing the two chains
// keeps their only rule single; nothing is unfiltered in between, since it is one transaction.
constexpr std::string_view kFrame = R"(
add table bridge trellis
add map bridge trellis pub_in { type ifname : verdict; }
add map bridge trellis pub_out { type ifname : verdict; }
add chain bridge trellis prerouting { type filter hook prerouting priority filter; policy accept; }
add chain bridge trellis postrouting { type filter hook postrouting priority filter; policy accept; }
flush chain bridge trellis prerouting
flush chain bridge trellis postrouting
add rule bridge trellis prerouting iifname vmap @pub_in
add rule bridge trellis postrouting oifname vmap @pub_out
)";

std::string ChainName(std::string_view ip_workload, std::string_view end) {
  return fmt::format("r-{}-{}", UniqueName(ip_workload, kSuffix), end);
}

// One direction of a filter: its chain, and the map that leads a tap's frames there.
struct Side {
  std::string chain;
  std::string_view map;
  std::string rules;
};

Side FromMachine(std::string_view ip_workload, std::string rules = {}) {
  return {ChainName(ip_workload, "pre"), kFromMap, std::move(rules)};
}
Side ToMachine(std::string_view ip_workload, std::string rules = {}) {
  return {ChainName(ip_workload, "post"), kToMap, std::move(rules)};
}

// What the kernel has of one side.
struct Present {
  std::optional<std::string> chain;    // as listed
  std::optional<std::string> verdict;  // as listed
};

Result<std::optional<std::string>> Listed(std::string const& command) {
  auto text = RunNft(command);
  if (!text && text.error().code == Code::kNotFound) return std::optional<std::string>();
  if (!text) return tl::unexpected<Error>(text.error());
  return std::optional<std::string>(*std::move(text));
}

Result<Present> Look(Side const& side, std::string const& tap) {
  Present present;
  TRELLIS_TRY(present.chain, Listed("list chain bridge trellis " + side.chain));
  TRELLIS_TRY(present.verdict,
              Listed(fmt::format("get element bridge trellis {} {{ \"{}\" }}", side.map, tap)));
  return present;
}

std::string Verdict(Side const& side, bool paused) {
  return paused ? "drop" : "jump " + side.chain;
}

bool HasVerdict(Present const& present, std::string const& tap, std::string const& verdict) {
  return present.verdict.has_value() &&
         present.verdict->find(fmt::format("\"{}\" : {} ", tap, verdict)) != std::string::npos;
}

// Every rule ends a line with its verdict.
std::size_t CountRules(std::string_view text) {
  std::size_t count = 0;
  for (std::string_view const verdict : {" drop\n", " accept\n"}) {
    for (auto at = text.find(verdict); at != std::string_view::npos;
         at = text.find(verdict, at + 1))
      ++count;
  }
  return count;
}

bool HasChain(Present const& present, Side const& side) {
  return present.chain.has_value() &&
         present.chain->find(RulesMark(side.rules)) != std::string::npos &&
         CountRules(*present.chain) == CountRules(side.rules);
}

std::string DeleteElement(Side const& side, std::string const& tap) {
  return fmt::format("delete element bridge trellis {} {{ \"{}\" }}\n", side.map, tap);
}

std::string DeleteChain(Side const& side) {
  return fmt::format("flush chain bridge trellis {0}\ndelete chain bridge trellis {0}\n",
                     side.chain);
}

// The commands that bring one side from what is present to what is wanted; "" when it is there.
std::string Correction(Side const& side, Present const& present, std::string const& tap,
                       bool paused) {
  auto const verdict = Verdict(side, paused);
  bool const chain = HasChain(present, side);
  if (chain && HasVerdict(present, tap, verdict)) return {};
  std::string out;
  if (present.verdict) out += DeleteElement(side, tap);
  if (!chain) {
    if (present.chain) out += DeleteChain(side);
    out += fmt::format("table bridge trellis {{ chain {} {{ comment \"{}\";\n{}}}\n}}\n",
                       side.chain, RulesMark(side.rules), side.rules);
  }
  out += fmt::format("add element bridge trellis {} {{ \"{}\" : {} }}\n", side.map, tap, verdict);
  return out;
}

std::string Removal(Side const& side, Present const& present, std::string const& tap) {
  std::string out;
  if (present.verdict) out += DeleteElement(side, tap);
  if (present.chain) out += DeleteChain(side);
  return out;
}

// 128 bits as the filter's language takes them in a comparison of raw bytes.
std::string Hex(IpAddress const& ip) {
  return fmt::format("0x{:02x}", fmt::join(ip.bytes(), ""));
}

std::string Rules4(services::PublicFilter const& filter) {
  if (filter.ipv4.empty()) return "ether type { arp, ip } counter drop\n";
  return fmt::format(
      "ether type arp arp saddr ether != {mac} counter drop\n"
      "ether type arp arp saddr ip 0.0.0.0 arp daddr ip {ip} accept\n"
      "ether type arp arp saddr ip != {ip} counter drop\n"
      "ether type arp accept\n"
      "ether type ip udp sport 67 counter drop\n"
      "ether type ip ip saddr != {ip} counter drop\n"
      "ether type ip accept\n",
      fmt::arg("mac", filter.mac), fmt::arg("ip", filter.ipv4.ip.ToString()));
}

std::string Rules6(services::PublicFilter const& filter) {
  if (filter.ipv6.empty()) return "ether type ip6 counter drop\n";
  auto const ip = filter.ipv6.ip;
  std::string out =
      "ether type ip6 icmpv6 type { nd-router-advert, nd-redirect } counter drop\n"
      "ether type ip6 udp sport 547 counter drop\n";
  // A neighbour's advertisement may be for its own addresses only (@th,64,128 is the target), and
  // the router's link-local address is nobody's but the router's.
  out += fmt::format(
      "ether type ip6 icmpv6 type nd-neighbor-advert @th,64,10 != 0x3fa @th,64,128 != {} "
      "counter drop\n",
      Hex(ip));
  if (!filter.gateway6.empty())
    out += fmt::format(
        "ether type ip6 icmpv6 type nd-neighbor-advert @th,64,128 {} counter drop\n"
        "ether type ip6 ip6 saddr {} counter drop\n",
        Hex(filter.gateway6), filter.gateway6.ToString());
  return out +
         fmt::format("ether type ip6 ip6 saddr {{ ::, fe80::/10, {} }} accept\n", ip.ToString());
}

// Sum of what the chain's counters say that they dropped.
std::uint64_t DroppedIn(std::optional<std::string> const& listed) {
  static constexpr std::string_view kWord = "counter packets ";
  std::uint64_t sum = 0;
  std::string_view rest = listed ? std::string_view(*listed) : std::string_view();
  for (auto at = rest.find(kWord); at != std::string_view::npos; at = rest.find(kWord)) {
    rest.remove_prefix(at + kWord.size());
    std::uint64_t packets = 0;
    std::from_chars(rest.data(), rest.data() + rest.size(), packets);
    sum += packets;
  }
  return sum;
}

// The first thing about one side that is not as wanted; "" when nothing.
std::string DifferenceOf(Side const& side, Present const& present, std::string const& tap,
                         bool paused) {
  if (!present.chain) return fmt::format("packet filter chain '{}' is missing", side.chain);
  if (!HasChain(present, side))
    return fmt::format("packet filter chain '{}' has other rules", side.chain);
  if (!present.verdict) return fmt::format("link '{}' is not filtered", tap);
  if (!HasVerdict(present, tap, Verdict(side, paused)))
    return fmt::format("link '{}' is {}", tap, paused ? "not paused" : "paused");
  return {};
}

// A frame of the table that somebody took out leaves every tap without a filter.
Result<bool> FrameIsThere() {
  TRELLIS_TRY(auto const in, Listed("list chain bridge trellis prerouting"));
  TRELLIS_TRY(auto const out, Listed("list chain bridge trellis postrouting"));
  return in && out && in->find("vmap @pub_in") != std::string::npos &&
         out->find("vmap @pub_out") != std::string::npos;
}

}  // namespace

std::string PublicTap(std::string_view ip_workload) {
  return "p-" + UniqueName(ip_workload, kSuffix);
}

MacAddress PublicMac(std::string_view ip_workload) {
  return HardwareAddress(UniqueName(ip_workload, kSuffix));
}

std::string RulesFromMachine(services::PublicFilter const& filter) {
  return fmt::format("ether saddr != {} counter drop\n{}{}counter drop\n", filter.mac,
                     Rules4(filter), Rules6(filter));
}

std::string RulesToMachine(services::PublicFilter const& filter) {
  if (filter.ipv4.empty())
    return fmt::format("ether type ip ether daddr {} counter drop\n", filter.mac);
  return fmt::format("ether type ip ether daddr {} ip daddr != {} counter drop\n", filter.mac,
                     filter.ipv4.ip.ToString());
}

Result<bool> ApplyPublicFilter(services::PublicFilter const& filter) {
  auto const tap = PublicTap(filter.owner);
  TRELLIS_TRY(bool const framed, FrameIsThere());
  std::string changes;
  for (auto const& side : {FromMachine(filter.owner, RulesFromMachine(filter)),
                           ToMachine(filter.owner, RulesToMachine(filter))}) {
    TRELLIS_TRY(auto const present, Look(side, tap));
    changes += Correction(side, present, tap, filter.paused);
  }
  if (framed && changes.empty()) return false;
  TRELLIS_CHECK(RunNft(std::string(kFrame) + changes));
  return true;
}

Result<void> RemovePublicFilter(std::string_view ip_workload) {
  auto const tap = PublicTap(ip_workload);
  std::string changes;
  for (auto const& side : {FromMachine(ip_workload), ToMachine(ip_workload)}) {
    TRELLIS_TRY(auto const present, Look(side, tap));
    changes += Removal(side, present, tap);
  }
  if (changes.empty()) return {};
  TRELLIS_CHECK(RunNft(changes));
  return {};
}

Result<void> RemovePublicFilters() {
  TRELLIS_CHECK(RunNft("add table bridge trellis\ndelete table bridge trellis\n"));
  return {};
}

Result<PublicFilterState> LookAtPublicFilter(services::PublicFilter const& filter) {
  auto const tap = PublicTap(filter.owner);
  PublicFilterState state;
  TRELLIS_TRY(bool const framed, FrameIsThere());
  if (!framed) state.difference = "packet filter table 'bridge trellis' is not complete";
  for (auto const& side : {FromMachine(filter.owner, RulesFromMachine(filter)),
                           ToMachine(filter.owner, RulesToMachine(filter))}) {
    TRELLIS_TRY(auto const present, Look(side, tap));
    state.dropped += DroppedIn(present.chain);
    if (state.difference.empty())
      state.difference = DifferenceOf(side, present, tap, filter.paused);
  }
  return state;
}

}  // namespace trellis::plugins::network
