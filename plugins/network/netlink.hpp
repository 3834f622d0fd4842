// A netlink socket and the messages it carries. Not thread-safe: one per thread and use.
#pragma once

#include "plugins/common/posix/files.hpp"

#include <trellis/net.hpp>

#include <libmnl/libmnl.h>
#include <linux/netlink.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace trellis::plugins::network {

/// One request under construction.
class NetlinkMessage {
 public:
  NetlinkMessage(std::uint16_t type, std::uint16_t flags);
  /// The fixed part that follows the header, zeroed.
  template <class T>
  T& Body() {
    return *static_cast<T*>(mnl_nlmsg_put_extra_header(header(), sizeof(T)));
  }
  void Put(std::uint16_t type, std::string_view text);  ///< with a final zero
  void Put(std::uint16_t type, std::uint32_t value) { mnl_attr_put_u32(header(), type, value); }
  void PutByte(std::uint16_t type, std::uint8_t value) { mnl_attr_put_u8(header(), type, value); }
  void PutBytes(std::uint16_t type, void const* data, std::size_t size) {
    mnl_attr_put(header(), type, size, data);
  }
  void Put(std::uint16_t type, IpAddress const& ip) {
    PutBytes(type, ip.bytes().data(), ip.is_v4() ? 4 : 16);
  }
  nlattr* Begin(std::uint16_t type) { return mnl_attr_nest_start(header(), type); }
  void End(nlattr* nest) { mnl_attr_nest_end(header(), nest); }
  nlmsghdr* header() { return header_; }

 private:
  // Every message here is far smaller: names, addresses and a handful of attributes.
  alignas(nlmsghdr) std::array<char, 4096> buffer_{};
  nlmsghdr* header_;
};

using AttributeVisitor = std::function<void(nlattr const*)>;
/// Visits the attributes behind the first `offset` bytes of the message's payload.
void EachAttribute(nlmsghdr const* message, std::size_t offset, AttributeVisitor const& visit);
/// Visits the attributes inside `nest`.
void EachNested(nlattr const* nest, AttributeVisitor const& visit);
/// An attribute of 4 or 16 bytes as an address.
IpAddress ReadIp(nlattr const* attribute);

class Netlink {
 public:
  /// In the network namespace of the calling thread, for good.
  static Result<Netlink> Open(int protocol = NETLINK_ROUTE);
  /// Sends and waits for the kernel's answer. The error has the class of the errno (kNotFound,
  /// kExists, kBusy, else kIo) and begins with `what`.
  Result<void> Request(NetlinkMessage& message, std::string_view what);
  /// Sends and gives every message of the answer to `visit`.
  Result<void> Query(NetlinkMessage& message, std::string_view what,
                     std::function<void(nlmsghdr const*)> const& visit);

 private:
  struct Closer {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
  };
  explicit Netlink(mnl_socket* socket) : socket_(socket) {}

  std::unique_ptr<mnl_socket, Closer> socket_;
  std::uint32_t sequence_ = 0;
};

}  // namespace trellis::plugins::network
