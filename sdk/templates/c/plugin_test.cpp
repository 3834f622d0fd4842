// Drives the built plugin with a host that lives in this process.
#include <gtest/gtest.h>

#include <trellis/testing.hpp>

namespace {

using trellis::Observed;
using trellis::testing::CallOptions;
using trellis::testing::FakeHost;

constexpr char const* kType = "@NAME@";
constexpr char const* kId = "7-9-hello";  // twin, contract, name
constexpr char const* kData = R"({"text":"hello"})";

class @CLASS@Test : public ::testing::Test {
 protected:
  void SetUp() override {
    auto const loaded = host_.Load(FakeHost::BuiltPlugin("@NAME@"), R"({"max_bytes":16})");
    ASSERT_TRUE(loaded) << loaded.error().message;
  }
  FakeHost host_;
};

TEST_F(@CLASS@Test, RefusesAnEmptyText) {
  auto const done = host_.Valid(kType, R"({"text":""})");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "[text] the text is empty");
}

TEST_F(@CLASS@Test, IsSignedByItsText) {
  auto const bytes = host_.Challenge(kType, kData);
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_EQ(*bytes, "hello");
}

TEST_F(@CLASS@Test, ComesUpAndCanBeProvisionedAgain) {
  auto const first = host_.Provision(kType, kId, kData);
  auto const second = host_.Provision(kType, kId, kData);

  EXPECT_EQ(first.status, TRL_OK) << first.error;
  EXPECT_EQ(first.result, R"({"bytes":5})");
  EXPECT_EQ(second.status, TRL_NO_ACTION) << second.error;
  EXPECT_EQ(host_.ListOwned(kType).value(), std::vector<std::string>{kId});
}

TEST_F(@CLASS@Test, TakesNoMoreThanTheConfigurationAllows) {
  auto const done = host_.Provision(kType, kId, R"({"text":"seventeen letters"})");
  EXPECT_EQ(done.status, TRL_EXHAUSTED);
  EXPECT_EQ(done.error, "the text is longer than this node takes");
}

TEST_F(@CLASS@Test, ChangesItsText) {
  ASSERT_TRUE(host_.Provision(kType, kId, kData).ok());
  CallOptions options;
  options.previous = kData;
  auto const done = host_.Update(kType, kId, R"({"text":"bye"})", options);
  EXPECT_EQ(done.status, TRL_OK) << done.error;
  EXPECT_EQ(host_.Inspect(kType, kId, R"({"text":"bye"})").value().state, Observed::State::kRunning);
}

TEST_F(@CLASS@Test, IsGoneAfterDeprovision) {
  ASSERT_TRUE(host_.Provision(kType, kId, kData).ok());
  EXPECT_EQ(host_.Deprovision(kType, kId).status, TRL_OK);
  EXPECT_EQ(host_.Deprovision(kType, kId).status, TRL_OK);
  EXPECT_EQ(host_.Inspect(kType, kId, kData).value().state, Observed::State::kAbsent);
}

}  // namespace
