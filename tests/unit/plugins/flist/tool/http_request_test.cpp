#include "plugins/flist/tool/http_request.hpp"

#include <gtest/gtest.h>

namespace trellis::plugins::flist {
namespace {

TEST(FileRequest, IsReadFromItsHead) {
  auto const request = ParseFileRequest(
      "GET /a%20b/c.fl?x=y HTTP/1.1\r\nRANGE:  bytes=0-1\r\nIf-None-Match: \"e\"\r\n");

  ASSERT_TRUE(request);
  EXPECT_EQ(request->path, "a b/c.fl");
  EXPECT_EQ(request->range, "bytes=0-1");
  EXPECT_EQ(request->if_none_match, "\"e\"");
  EXPECT_TRUE(request->keep_alive);
  EXPECT_FALSE(request->head);
}

TEST(FileRequest, BadOnesAreRefused) {
  EXPECT_EQ(ParseFileRequest("").error().code, Code::kInvalid);
  EXPECT_EQ(ParseFileRequest("GET\r\n").error().code, Code::kInvalid);
  EXPECT_EQ(ParseFileRequest("GET x HTTP/1.1\r\n").error().code, Code::kInvalid);
  EXPECT_EQ(ParseFileRequest("GET /%4 HTTP/1.1\r\n").error().code, Code::kInvalid);
  EXPECT_EQ(ParseFileRequest("GET /%00 HTTP/1.1\r\n").error().code, Code::kInvalid);
  EXPECT_EQ(ParseFileRequest("POST / HTTP/1.1\r\n").error().code, Code::kUnsupported);
}

TEST(ByteRangeHeader, NamesAPartOfTheFile) {
  auto const part = [](char const* header) {
    auto const range = ParseRange(header, 10)->value_or(ByteRange{99, 99});
    return std::pair(range.first, range.size);
  };
  using Part = std::pair<std::uint64_t, std::uint64_t>;

  EXPECT_EQ(part("bytes=2-4"), Part(2, 3));
  EXPECT_EQ(part("bytes=2-"), Part(2, 8));
  EXPECT_EQ(part("bytes=2-400"), Part(2, 8));
  EXPECT_EQ(part("bytes=-3"), Part(7, 3));
  EXPECT_EQ(part("bytes=-30"), Part(0, 10));
}

TEST(ByteRangeHeader, OfNoUseMeansAll) {
  for (auto const* header : {"", "lines=1-2", "bytes=1-2,4-5", "bytes=x-", "bytes=4-2"})
    EXPECT_FALSE(ParseRange(header, 10)->has_value()) << header;
}

TEST(ByteRangeHeader, BehindTheEndIsRefused) {
  EXPECT_FALSE(ParseRange("bytes=10-", 10));
  EXPECT_FALSE(ParseRange("bytes=-0", 10));
}

}  // namespace
}  // namespace trellis::plugins::flist
