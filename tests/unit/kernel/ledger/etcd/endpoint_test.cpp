#include "kernel/ledger/etcd/connection.hpp"

#include <gtest/gtest.h>

namespace trellis::ledger::etcd {
namespace {

TEST(Endpoint, ReadsSchemeHostAndPort) {
  auto const plain = Endpoint::Parse("http://10.0.0.1:2379");
  auto const tls = Endpoint::Parse("https://ledger.example.org:443/");
  auto const ipv6 = Endpoint::Parse("http://[2001:db8::1]:2379");

  ASSERT_TRUE(plain && tls && ipv6);
  EXPECT_FALSE(plain->tls);
  EXPECT_EQ(plain->host, "10.0.0.1");
  EXPECT_EQ(plain->port, "2379");
  EXPECT_TRUE(tls->tls);
  EXPECT_EQ(tls->host, "ledger.example.org");
  EXPECT_EQ(ipv6->host, "2001:db8::1");
  EXPECT_EQ(ipv6->ToString(), "http://[2001:db8::1]:2379");
}

TEST(Endpoint, RefusesWhatIsNotHostAndPort) {
  for (auto const* url :
       {"", "10.0.0.1:2379", "ftp://a:1", "http://a", "http://:1", "http://a:0", "http://a:65536",
        "http://a:1/path", "http://u@a:1", "http://2001:db8::1:1"})
    EXPECT_EQ(Endpoint::Parse(url).error().code, Code::kInvalid) << url;
}

}  // namespace
}  // namespace trellis::ledger::etcd
