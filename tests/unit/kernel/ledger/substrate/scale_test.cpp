#include "kernel/ledger/substrate/scale.hpp"

#include <gtest/gtest.h>

namespace trellis::ledger::substrate {
namespace {

std::string CompactHex(std::uint64_t value) {
  return crypto::Hex(Encoder().Compact(value).bytes());
}

TEST(Scale, CompactNumbersTakeAsFewBytesAsTheyCan) {
  EXPECT_EQ(CompactHex(0), "00");
  EXPECT_EQ(CompactHex(63), "fc");
  EXPECT_EQ(CompactHex(64), "0101");
  EXPECT_EQ(CompactHex(16'383), "fdff");
  EXPECT_EQ(CompactHex(16'384), "02000100");
  EXPECT_EQ(CompactHex((1U << 30U) - 1), "feffffff");
  EXPECT_EQ(CompactHex(1U << 30U), "0300000040");
  EXPECT_EQ(CompactHex(~std::uint64_t{0}), "13ffffffffffffffff");
}

TEST(Scale, CompactNumbersComeBackTheSame) {
  for (std::uint64_t value = 1; value != 0; value <<= 1U) {
    for (std::uint64_t const near : {value - 1, value, value + 1}) {
      auto const bytes = Encoder().Compact(near).Take();
      Decoder in(bytes);
      EXPECT_EQ(in.Compact(), near);
      EXPECT_TRUE(in.Finish("number"));
    }
  }
}

TEST(Scale, LongFormsOfSmallNumbersAreRefused) {
  for (auto const* const hex : {"0100", "02000000", "0300000000", "07000000400000", "1300000000"}) {
    auto const bytes = crypto::FromHex(hex).value();
    Decoder in(bytes);
    (void)in.Compact();
    EXPECT_FALSE(in.ok()) << hex;
  }
}

TEST(Scale, ReadingBeyondTheEndBreaks) {
  Bytes const three{1, 2, 3};
  Decoder in(three);
  EXPECT_EQ(in.U32(), 0U);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.U8(), 0U) << "everything after it is zero";
}

TEST(Scale, TruthIsZeroOrOne) {
  Bytes const two{2};
  Decoder in(two);
  EXPECT_FALSE(in.Bool());
  EXPECT_FALSE(in.ok());
}

TEST(Scale, BytesLeftOverAreAnError) {
  Bytes const two{1, 2};
  Decoder in(two);
  (void)in.U8();
  auto const done = in.Finish("thing");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "thing has 1 bytes too many");
}

}  // namespace
}  // namespace trellis::ledger::substrate
