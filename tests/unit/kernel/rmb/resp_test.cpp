#include "kernel/rmb/resp.hpp"

#include <gtest/gtest.h>

namespace trellis::rmb {
namespace {

using Type = RespValue::Type;

std::string ErrorOf(std::string_view bytes, RespLimits const& limits = {}) {
  RespReader reader(limits);
  reader.Add(bytes);
  auto const value = reader.Next();
  return value ? "none" : value.error().message;
}

TEST(Resp, TakesValuesHoweverTheBytesArrive) {
  std::string const bytes =
      "+OK\r\n-ERR no\r\n:-7\r\n$5\r\nhe\r\no\r\n$-1\r\n*2\r\n*0\r\n$0\r\n\r\n*-1\r\n";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    RespReader reader;
    std::vector<RespValue> values;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      reader.Add(std::string_view(bytes).substr(at, step));
      while (true) {
        auto value = reader.Next();
        ASSERT_TRUE(value) << value.error().message;
        if (!value->has_value()) break;
        values.push_back(**value);
      }
    }
    ASSERT_EQ(values.size(), 7U);
    EXPECT_EQ(values[0].text, "OK");
    EXPECT_TRUE(values[1].is_error());
    EXPECT_EQ(values[2].integer, -7);
    EXPECT_EQ(values[3].text, "he\r\no");
    EXPECT_TRUE(values[4].is_null());
    ASSERT_EQ(values[5].items.size(), 2U);
    EXPECT_EQ(values[5].items[0].type, Type::kArray);
    EXPECT_EQ(values[5].items[1].text, "");
    EXPECT_TRUE(values[6].is_null());
  }
}

TEST(Resp, TakesCommandsAsListsAndAsLines) {
  RespReader reader;
  reader.Add("*2\r\n$4\r\nLLEN\r\n$1\r\nx\r\nPING  hello \r\n\r\n");
  EXPECT_EQ(reader.NextCommand()->value(), (std::vector<std::string>{"LLEN", "x"}));
  EXPECT_EQ(reader.NextCommand()->value(), (std::vector<std::string>{"PING", "hello"}));
  EXPECT_TRUE(reader.NextCommand()->value().empty());
  EXPECT_FALSE(reader.NextCommand()->has_value());
  reader.Add("*1\r\n:5\r\n");
  EXPECT_FALSE(reader.NextCommand());
}

TEST(Resp, CountsTheWordsOfALine) {
  constexpr RespLimits kFewItems{4096, 3, 4};
  RespReader reader(kFewItems);
  reader.Add("a b c\r\na b c d\r\n");
  EXPECT_EQ(reader.NextCommand()->value().size(), 3U);
  EXPECT_EQ(reader.NextCommand().error().message, "not RESP: too many items");
}

TEST(Resp, RefusesWhatItIsNot) {
  EXPECT_EQ(ErrorOf("hello\r\n"), "not RESP: unknown type");
  EXPECT_EQ(ErrorOf("$x\r\n"), "not RESP: number expected");
  EXPECT_EQ(ErrorOf("$-2\r\n"), "not RESP: negative length");
  EXPECT_EQ(ErrorOf("*-2\r\n"), "not RESP: negative length");
  EXPECT_EQ(ErrorOf("$1\r\nxyz"), "not RESP: text without end");
  EXPECT_EQ(ErrorOf("\r\n"), "not RESP: empty line");
}

TEST(Resp, LimitsTextsItemsDepthAndLines) {
  RespLimits limits;
  limits.bytes = 10;
  limits.items = 3;
  limits.depth = 2;
  EXPECT_EQ(ErrorOf("$11\r\n", limits), "not RESP: text too long");
  EXPECT_EQ(ErrorOf("*4\r\n", limits), "not RESP: too many items");
  EXPECT_EQ(ErrorOf("*2\r\n*2\r\n", limits), "not RESP: too many items");
  EXPECT_EQ(ErrorOf("*1\r\n*1\r\n*1\r\n", limits), "not RESP: lists nested too deeply");
  EXPECT_EQ(ErrorOf("+" + std::string(70000, 'x')), "not RESP: line too long");
  EXPECT_EQ(ErrorOf("*9223372036854775807\r\n"), "not RESP: too many items");
}

TEST(Resp, IsWritten) {
  std::vector<std::string> const words{"GET", "a b"};
  EXPECT_EQ(RespArray(words), "*2\r\n$3\r\nGET\r\n$3\r\na b\r\n");
  EXPECT_EQ(RespSimple("OK") + RespError("ERR x") + RespInteger(3) + RespNull() + RespNullArray(),
            "+OK\r\n-ERR x\r\n:3\r\n$-1\r\n*-1\r\n");
}

}  // namespace
}  // namespace trellis::rmb
