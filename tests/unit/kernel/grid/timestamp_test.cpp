#include "kernel/grid/timestamp.hpp"

#include <gtest/gtest.h>

namespace trellis::grid {
namespace {

TEST(Timestamp, TextWithFractionAndZoneIsFloored) {
  EXPECT_EQ(ParseRfc3339("2030-06-15T14:30:15.987+02:30")->seconds, 1907755215);
  EXPECT_EQ(ParseRfc3339("1969-12-31T23:59:59.5Z")->seconds, -1);
  EXPECT_EQ(ParseRfc3339("2024-02-29T00:00:00-00:30")->seconds, 1709166600);
}

TEST(Timestamp, RefusesWhatIsNoCompleteTime) {
  for (auto const* text : {"", "2030-06-15", "2030-06-15T14:30:15", "2030-06-15 14:30:15Z",
                           "2030-06-15t14:30:15Z", "2030-06-15T14:30:15z", "2023-02-29T00:00:00Z",
                           "2030-13-01T00:00:00Z", "2030-06-15T24:00:00Z", "2030-06-15T14:30:60Z",
                           "2030-06-15T14:30:15.Z", "2030-06-15T14:30:15Z ", "1907755215"})
    EXPECT_EQ(ParseRfc3339(text).error().code, Code::kDecode) << text;
}

TEST(Timestamp, TravelsAsInteger) {
  EXPECT_EQ(json::Dump(Timestamp{-5}), "-5");
  EXPECT_EQ(json::Parse<Timestamp>("null")->seconds, 0);
}

}  // namespace
}  // namespace trellis::grid
