// Routes of the main table.
#include "plugins/network/links.hpp"

#include <linux/rtnetlink.h>

namespace trellis::plugins::network {

namespace {

struct Route {
  IpNet to;  ///< the address is empty for the default
  IpAddress via;
  std::uint32_t link = 0;
};

Route ReadRoute(nlmsghdr const* message) {
  auto const& body = *static_cast<rtmsg const*>(mnl_nlmsg_get_payload(message));
  Route out;
  out.to.prefix = body.rtm_dst_len;
  EachAttribute(message, sizeof(rtmsg), [&](nlattr const* attribute) {
    auto const type = mnl_attr_get_type(attribute);
    if (type == RTA_DST) out.to.ip = ReadIp(attribute);
    if (type == RTA_GATEWAY) out.via = ReadIp(attribute);
    if (type == RTA_OIF) out.link = mnl_attr_get_u32(attribute);
  });
  return out;
}

rtmsg& StartRoute(NetlinkMessage& message, bool v4) {
  auto& body = message.Body<rtmsg>();
  body.rtm_family = v4 ? AF_INET : AF_INET6;
  body.rtm_table = RT_TABLE_MAIN;
  body.rtm_protocol = RTPROT_STATIC;
  body.rtm_type = RTN_UNICAST;
  return body;
}

Result<bool> HasAny(Netlink& netlink, bool v4, std::function<bool(Route const&)> const& fits) {
  NetlinkMessage message(RTM_GETROUTE, NLM_F_DUMP);
  message.Body<rtmsg>().rtm_family = v4 ? AF_INET : AF_INET6;
  bool has = false;
  TRELLIS_CHECK(netlink.Query(message, "list routes",
                              [&](nlmsghdr const* found) { has = has || fits(ReadRoute(found)); }));
  return has;
}

}  // namespace

Result<void> Links::SetRoute(IpNet const& range, int index) {
  auto const masked = range.Masked();
  NetlinkMessage message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
  auto& body = StartRoute(message, masked.ip.is_v4());
  body.rtm_dst_len = static_cast<std::uint8_t>(masked.prefix);
  body.rtm_scope = RT_SCOPE_LINK;
  message.Put(RTA_DST, masked.ip);
  message.Put(RTA_OIF, Wide(index));
  return netlink_.Request(message, fmt::format("set the route to '{}'", masked.ToString()));
}

Result<bool> Links::HasRoute(IpNet const& range, int index) {
  auto const masked = range.Masked();
  return HasAny(netlink_, masked.ip.is_v4(), [&](Route const& route) {
    return route.to == masked && route.link == Wide(index);
  });
}

Result<void> Links::SetDefaultRoute(IpAddress const& via, int index) {
  NetlinkMessage message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
  StartRoute(message, via.is_v4()).rtm_scope = RT_SCOPE_UNIVERSE;
  message.Put(RTA_GATEWAY, via);
  message.Put(RTA_OIF, Wide(index));
  return netlink_.Request(message, fmt::format("set default route via '{}'", via.ToString()));
}

Result<bool> Links::HasDefaultRoute(IpAddress const& via, int index) {
  return HasAny(netlink_, via.is_v4(), [&](Route const& route) {
    return route.to.ip.empty() && route.to.prefix == 0 && route.via == via &&
           route.link == Wide(index);
  });
}

}  // namespace trellis::plugins::network
