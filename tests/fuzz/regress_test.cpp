// Every fuzz target takes every input that is kept for it: findings of the past in
// regress/<target>, hand-written ones in corpus/<target>, and the seeds made from the golden
// vectors.
#include "kernel/sys/files.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#define TRELLIS_FUZZ_TARGET(name)   \
  namespace trellis::fuzz::name {   \
  void Run(std::string_view input); \
  }
#include "fuzz_targets.inc"
#undef TRELLIS_FUZZ_TARGET

namespace trellis::fuzz {
namespace {

namespace fs = std::filesystem;

struct Target {
  std::string name;
  void (*run)(std::string_view);

  /// For the test's name in reports.
  friend void PrintTo(Target const& target, std::ostream* out) { *out << target.name; }
};

std::vector<Target> const& Targets() {
  static std::vector<Target> const kTargets = {
#define TRELLIS_FUZZ_TARGET(name) {#name, &name::Run},
#include "fuzz_targets.inc"
#undef TRELLIS_FUZZ_TARGET
  };
  return kTargets;
}

std::vector<fs::path> InputsOf(std::string const& target) {
  std::vector<fs::path> files;
  for (auto const& folder : {fs::path(TRELLIS_TEST_DATA) / "fuzz" / "regress" / target,
                             fs::path(TRELLIS_TEST_DATA) / "fuzz" / "corpus" / target,
                             fs::path(TRELLIS_BUILD_DIR) / "fuzz-seeds" / target}) {
    if (!fs::exists(folder)) continue;
    for (auto const& entry : fs::directory_iterator(folder))
      files.push_back(entry.path());
  }
  return files;
}

class FuzzTarget : public ::testing::TestWithParam<Target> {};

// A copy of exactly its size, so that the sanitizers see reads behind the end.
TEST_P(FuzzTarget, TakesItsKeptInputs) {
  auto const files = InputsOf(GetParam().name);
  EXPECT_FALSE(files.empty()) << "no seed for '" << GetParam().name << "'";
  for (auto const& file : files) {
    SCOPED_TRACE(file.string());
    auto const content = sys::ReadFile(file);
    ASSERT_TRUE(content.has_value());
    std::vector<char> const exact(content->begin(), content->end());
    GetParam().run({exact.data(), exact.size()});
  }
}

INSTANTIATE_TEST_SUITE_P(All, FuzzTarget, ::testing::ValuesIn(Targets()),
                         [](auto const& named) { return named.param.name; });

TEST(FuzzInputs, BelongToATarget) {
  for (auto const* kind : {"regress", "corpus"}) {
    auto const folder = fs::path(TRELLIS_TEST_DATA) / "fuzz" / kind;
    if (!fs::exists(folder)) continue;
    for (auto const& entry : fs::directory_iterator(folder)) {
      auto const name = entry.path().filename().string();
      EXPECT_TRUE(std::ranges::any_of(Targets(), [&](auto const& t) { return t.name == name; }))
          << kind << "/" << name;
    }
  }
}

}  // namespace
}  // namespace trellis::fuzz
