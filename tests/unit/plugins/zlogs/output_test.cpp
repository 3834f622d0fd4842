#include "plugins/zlogs/output.hpp"

#include <gtest/gtest.h>

namespace trellis::plugins::zlogs {
namespace {

std::string Refusal(std::string_view url) {
  auto const output = ParseOutput(url);
  return output ? "accepted: " + output->Shown() : output.error().message;
}

TEST(Output, TakesRedisWithItsChannelUndecoded) {
  auto const output = ParseOutput("redis://us%65r:p%40w@[::1]:7000//logs/vm%201?q#f").value();

  EXPECT_EQ(output.kind, Output::Kind::kRedis);
  EXPECT_EQ(output.host, "::1");
  EXPECT_EQ(output.port, 7000);
  EXPECT_EQ(output.target, "logs/vm%201");
  EXPECT_EQ(output.user, "user");
  EXPECT_EQ(output.password, "p@w");
}

TEST(Output, EncodesWhatMayNotBeInAChannelAndResolvesDots) {
  EXPECT_EQ(ParseOutput(R"(redis://h/$(touch marker)'";)")->target, "$(touch%20marker)'%22;");
  EXPECT_EQ(ParseOutput("redis://h/a/./b/../\xc3\xa9{}`")->target, "a/%C3%A9%7B%7D%60");
  EXPECT_EQ(ParseOutput("redis://h/a/%2e%2E/c")->target, "c");
}

TEST(Output, TakesWebsocketsWithPathAndQuery) {
  auto const plain = ParseOutput("WS://h/logs/a b?x=1 2").value();
  auto const secure = ParseOutput("wss://h").value();

  EXPECT_EQ(plain.kind, Output::Kind::kWs);
  EXPECT_EQ(plain.port, 80);
  EXPECT_EQ(plain.target, "/logs/a%20b?x=1%202");
  EXPECT_EQ(plain.Authority(), "h");
  EXPECT_EQ(secure.port, 443);
  EXPECT_EQ(secure.target, "/");
}

TEST(Output, RefusesWithTheSentencesThatClientsSee) {
  EXPECT_EQ(Refusal("redis://h"), "output has no channel");
  EXPECT_EQ(Refusal("redis://h/"), "output has no channel");
  EXPECT_EQ(Refusal("ws:///x"), "output has no host");
  EXPECT_EQ(Refusal("redis:opaque"), "output has no host");
  EXPECT_EQ(Refusal("ws://h:70000/"), "output has the invalid port '70000'");
  EXPECT_EQ(Refusal("ws://h:0/"), "output has the invalid port '0'");
  EXPECT_EQ(Refusal("ws://a%80b/"), "output has the invalid host 'a%80b'");
  EXPECT_EQ(Refusal("redis://u:a%0D%0Ab@h/c"),
            "output has a control character in its user or password");
  EXPECT_EQ(Refusal("http://h/"), "output scheme 'http' is none of redis, ws, wss");
  EXPECT_EQ(Refusal("ws://h\n"), "invalid output url: invalid url: control character");
  EXPECT_EQ(Refusal("ws://h/" + std::string(4096, 'a')), "output is longer than 4096 bytes");
}

TEST(Output, ShowsNeitherPasswordNorQuery) {
  EXPECT_EQ(ParseOutput("redis://me:secret@h/c?secret")->Shown(), "redis://h/c");
  EXPECT_EQ(ParseOutput("wss://me:secret@[::1]:4433/p?secret")->Shown(), "wss://[::1]:4433/p");
}

}  // namespace
}  // namespace trellis::plugins::zlogs
