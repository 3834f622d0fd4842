#include "plugins/zlogs/daemon/gzip.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace trellis::plugins::zlogs {
namespace {

/// "" unless the text is exactly one member.
std::string Gunzip(std::string const& member) {
  z_stream stream{};
  if (::inflateInit2(&stream, 15 + 16) != Z_OK) return {};
  std::string out(1U << 17U, '\0');
  std::string in = member;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  int const done = ::inflate(&stream, Z_FINISH);
  out.resize(std::min<std::size_t>(stream.total_out, out.size()));
  bool const whole = done == Z_STREAM_END && stream.avail_in == 0;
  ::inflateEnd(&stream);
  return whole ? out : std::string();
}

TEST(Gzip, MakesOneMemberOfEachChunk) {
  Gzip gzip;
  std::mt19937 random(1);
  std::string noise(8192, '\0');
  for (auto& c : noise)
    c = static_cast<char>(random());

  EXPECT_EQ(Gunzip(gzip.Member("a\na\na\n").value()), "a\na\na\n");
  auto const member = gzip.Member(noise).value();

  EXPECT_EQ(Gunzip(member), noise);
  EXPECT_LT(member.size(), 8192U + 64);
}

TEST(Utf8, TellsTextFromBytes) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("a\n\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
  for (std::string_view bad : {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80",
                               "\xf4\x90\x80\x80", "\xff", "\xc3("})
    EXPECT_FALSE(IsUtf8(bad));
}

}  // namespace
}  // namespace trellis::plugins::zlogs
