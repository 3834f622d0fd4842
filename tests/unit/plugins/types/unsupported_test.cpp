// What a client is told of a type that this node decodes but does not bring up.
#include "tests/unit/plugins/types/type_lab.hpp"

#include <array>

namespace trellis::plugins {
namespace {

struct Type {
  char const* plugin;
  char const* name;
};

class UnsupportedType : public ::testing::TestWithParam<Type> {};

TEST_P(UnsupportedType, IsRefusedWithOneSentence) {
  TypeLab lab(GetParam().plugin);

  auto const answer = lab.host.Provision(GetParam().name, "7-100-store", "{}");

  EXPECT_EQ(answer.status, TRL_UNSUPPORTED);
  EXPECT_EQ(answer.error,
            fmt::format("this node cannot provision workloads of type '{}'", GetParam().name));
}

TEST_P(UnsupportedType, LeavesNothingBehind) {
  TypeLab lab(GetParam().plugin);
  (void)lab.host.Provision(GetParam().name, "7-100-store", "{}");

  EXPECT_EQ(lab.host.Inspect(GetParam().name, "7-100-store", "{}")->state,
            Observed::State::kAbsent);
  EXPECT_TRUE(lab.host.ListOwned(GetParam().name)->empty());
  EXPECT_TRUE(lab.host.Deprovision(GetParam().name, "7-100-store").ok());
}

INSTANTIATE_TEST_SUITE_P(All, UnsupportedType,
                         ::testing::Values(Type{"zdb", "zdb"}, Type{"qsfs", "qsfs"}),
                         [](auto const& named) {
                           std::string name = named.param.name;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace trellis::plugins
