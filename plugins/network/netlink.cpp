#include "plugins/network/netlink.hpp"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <vector>

namespace trellis::plugins::network {

namespace {

constexpr std::size_t kReceiveBytes = 32768;

Code CodeOf(int number) {
  switch (number) {
    case ENODEV:
    case ENOENT:
    case ESRCH:
    case EADDRNOTAVAIL:
      return Code::kNotFound;
    case EEXIST:
      return Code::kExists;
    case EADDRINUSE:
      return Code::kConflict;
    case EBUSY:
      return Code::kBusy;
    default:
      return Code::kIo;
  }
}

int Visit(nlmsghdr const* message, void* data) {
  (**static_cast<std::function<void(nlmsghdr const*)> const**>(data))(message);
  return MNL_CB_OK;
}

int VisitAttribute(nlattr const* attribute, void* data) {
  (**static_cast<AttributeVisitor const**>(data))(attribute);
  return MNL_CB_OK;
}

}  // namespace

void EachAttribute(nlmsghdr const* message, std::size_t offset, AttributeVisitor const& visit) {
  auto const* pointer = &visit;
  mnl_attr_parse(message, static_cast<unsigned>(offset), &VisitAttribute, &pointer);
}

void EachNested(nlattr const* nest, AttributeVisitor const& visit) {
  auto const* pointer = &visit;
  mnl_attr_parse_nested(nest, &VisitAttribute, &pointer);
}

IpAddress ReadIp(nlattr const* attribute) {
  auto const* const data = static_cast<std::uint8_t const*>(mnl_attr_get_payload(attribute));
  if (mnl_attr_get_payload_len(attribute) == 4)
    return IpAddress::V4({data[0], data[1], data[2], data[3]});
  std::array<std::uint8_t, 16> bytes{};
  if (mnl_attr_get_payload_len(attribute) == bytes.size())
    std::copy_n(data, bytes.size(), bytes.begin());
  return IpAddress::V6(bytes);
}

NetlinkMessage::NetlinkMessage(std::uint16_t type, std::uint16_t flags)
    : header_(mnl_nlmsg_put_header(buffer_.data())) {
  header_->nlmsg_type = type;
  header_->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
}

void NetlinkMessage::Put(std::uint16_t type, std::string_view text) {
  mnl_attr_put_strz(header_, type, std::string(text).c_str());
}

Result<Netlink> Netlink::Open(int protocol) {
  auto* const raw = mnl_socket_open2(protocol, SOCK_CLOEXEC);
  if (raw == nullptr) return FailErrno("open a netlink socket");
  Netlink out(raw);
  if (mnl_socket_bind(raw, 0, MNL_SOCKET_AUTOPID) < 0) return FailErrno("bind a netlink socket");
  return out;
}

Result<void> Netlink::Request(NetlinkMessage& message, std::string_view what) {
  message.header()->nlmsg_flags =
      static_cast<std::uint16_t>(message.header()->nlmsg_flags | NLM_F_ACK);
  return Query(message, what, [](nlmsghdr const*) {});
}

Result<void> Netlink::Query(NetlinkMessage& message, std::string_view what,
                            std::function<void(nlmsghdr const*)> const& visit) {
  auto* const header = message.header();
  header->nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(socket_.get(), header, header->nlmsg_len) < 0) return FailErrno("{}", what);
  std::vector<char> buffer(kReceiveBytes);
  auto const port = mnl_socket_get_portid(socket_.get());
  auto const* context = &visit;
  for (;;) {
    auto const size = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return FailErrno("{}", what);
    int const state = mnl_cb_run(buffer.data(), static_cast<std::size_t>(size), sequence_, port,
                                 &Visit, &context);
    if (state == MNL_CB_STOP) return {};
    if (state < 0)
      return Fail(CodeOf(errno), "{}: {}", what,
                  std::strerror(errno));  // NOLINT(concurrency-mt-unsafe): glibc's is
  }
}

}  // namespace trellis::plugins::network
