#include "plugins/gateway/haproxy/traffic.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trellis::plugins::gateway {
namespace {

TEST(Traffic, IsReadFromTheProxysTable) {
  auto const table = ParseTable(
      "# table: st_routes, type: string, size:102400, used:2\n"
      "0x556e5f776628: key=7-100-gw1 use=0 exp=0 conn_cnt=1 http_req_cnt=2 bytes_in_cnt=121 "
      "bytes_out_cnt=228\n"
      "0x556e5f776700: key=7-100-gw2 use=1 exp=0 conn_cnt=3 http_req_cnt=0 bytes_in_cnt=4 "
      "bytes_out_cnt=5\n\n");

  ASSERT_EQ(table.size(), 2U);
  EXPECT_EQ(table.at("7-100-gw1").connections, 1U);
  EXPECT_EQ(table.at("7-100-gw1").requests, 2U);
  EXPECT_EQ(table.at("7-100-gw1").bytes_in, 121U);
  EXPECT_EQ(table.at("7-100-gw2").bytes_out, 5U);
}

TEST(Traffic, FindsTheSessionsOfAServer) {
  auto const* const text =
      "0x55aa: [26/Nov/2026:12:11:25.017220] id=17 proto=tcpv4 source=10.0.0.9:5000\n"
      "  backend=passthrough (id=5 mode=tcp) addr=10.60.0.1:443\n"
      "  server=dst (id=1) addr=10.1.1.5:80\n"
      "0x55bb: [26/Nov/2026:12:11:25.017220] id=18 proto=tcpv4 source=10.0.0.9:5001\n"
      "  server=dst (id=1) addr=10.1.1.5:8080\n";

  EXPECT_THAT(ParseSessions(text, {"10.1.1.5|80"}), ::testing::ElementsAre("0x55aa"));
}

}  // namespace
}  // namespace trellis::plugins::gateway
