#include "kernel/sys/ports.hpp"

#include "kernel/sys/fd.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace trellis::sys {
namespace {

TEST(Ports, PickedOnesCanBeListenedOn) {
  auto const port = PickPort();
  ASSERT_TRUE(port) << port.error().message;
  UniqueFd const fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(*port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address), 0);
  EXPECT_LT(*port, 32'768) << "not one that outgoing connections get";
}

}  // namespace
}  // namespace trellis::sys
