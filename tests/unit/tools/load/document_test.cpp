#include "tools/load/document.hpp"

#include "tests/support/data_examiner.hpp"
#include "tests/support/fake_host.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace trellis::load {
namespace {

constexpr Shape kTen{.workloads = 10, .bytes = 5000};

Document MakeTen() {
  return Document::Make(7, "a-1", kTen);
}

TEST(LoadDocument, HasTheSizeAskedFor) {
  auto const twin = Twin::Make(0, crypto::KeyType::kEd25519);

  for (Shape const shape : {Shape{1, 3700}, Shape{10, 5000}, Shape{1, 20000}}) {
    auto const text = Document::Make(twin.id, "a-1", shape).Sign(twin, 12345);
    EXPECT_NEAR(static_cast<double>(text.size()), static_cast<double>(shape.bytes),
                0.1 * static_cast<double>(shape.bytes));
  }
}

TEST(LoadDocument, IsUnlikeEveryOther) {
  EXPECT_NE(MakeTen().hash(), Document::Make(7, "a-2", kTen).hash());
  EXPECT_NE(MakeTen().hash(), MakeTen().Next(Change::kOne).hash());
}

TEST(LoadDocument, ChangesOneWorkloadInItsNextVersion) {
  auto const next = MakeTen().Next(Change::kOne).deployment;

  EXPECT_EQ(next.version, 1U);
  EXPECT_EQ(next.workloads.size(), 10U);
  auto const changed = std::count_if(next.workloads.begin(), next.workloads.end(),
                                     [](auto const& workload) { return workload.version == 1; });
  EXPECT_EQ(changed, 1);
}

TEST(LoadDocument, AddsAndRemovesOne) {
  auto const added = MakeTen().Next(Change::kAdd).deployment;
  auto const removed = MakeTen().Next(Change::kRemove).deployment;

  EXPECT_EQ(added.workloads.size(), 11U);
  EXPECT_EQ(added.workloads.back().name, "work10");
  EXPECT_EQ(removed.workloads.size(), 9U);
}

TEST(LoadDocument, KnowsWhatTheNoopPluginSigns) {
  testing::FakeHost host;
  auto const loaded = host.Load(TRELLIS_BUILD_DIR "/noop-plugins/noop.trellis.so");
  ASSERT_TRUE(loaded) << loaded.error().message;
  auto const document = MakeTen();

  auto const challenge = host.Challenge("noop", document.deployment.workloads[3].data.text);

  ASSERT_TRUE(challenge) << challenge.error().message;
  EXPECT_EQ(*challenge, document.examined[3].challenge);
}

}  // namespace
}  // namespace trellis::load
