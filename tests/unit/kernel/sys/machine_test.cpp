#include "kernel/sys/machine.hpp"

#include "kernel/sys/fd.hpp"
#include "kernel/sys/files.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace trellis::sys {
namespace {

TEST(Machine, NamesAHypervisorExactlyWhenTheProcessorHasOne) {
  auto const cpu = ReadFile("/proc/cpuinfo");

  ASSERT_TRUE(cpu);
  EXPECT_EQ(Hypervisor().empty(), cpu->find(" hypervisor") == std::string::npos);
}

TEST(Machine, CountsConnectionsFromBothEnds) {
  UniqueFd const listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener.get(), any, size), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ASSERT_EQ(::getsockname(listener.get(), any, &size), 0);

  UniqueFd const client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(client.get(), any, size), 0);
  UniqueFd const server(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));

  EXPECT_GE(TcpConnections(), 2U);
}

}  // namespace
}  // namespace trellis::sys
