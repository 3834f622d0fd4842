#include "kernel/engine/plan.hpp"

#include <gtest/gtest.h>

namespace trellis::engine {
namespace {

plugin::TypeInfo AType(std::string name, std::uint32_t rank, std::vector<std::string> after = {}) {
  plugin::TypeInfo type;
  type.name = std::move(name);
  type.rank = rank;
  type.after = std::move(after);
  return type;
}

std::vector<std::string> Names(std::map<std::string, std::size_t, std::less<>> const& order) {
  std::vector<std::string> names(order.size());
  for (auto const& [name, position] : order)
    names[position] = name;
  return names;
}

TEST(TypeOrder, IsByRankThenName) {
  auto const order = TypeOrder({AType("zmachine", 500), AType("network", 300), AType("zmount", 100),
                                AType("b", 5000), AType("a", 5000)});

  EXPECT_EQ(Names(order), (std::vector<std::string>{"zmount", "network", "zmachine", "a", "b"}));
}

TEST(TypeOrder, PutsATypeAfterThoseItNames) {
  auto const order =
      TypeOrder({AType("early", 1, {"late"}), AType("late", 9000), AType("middle", 500)});

  EXPECT_EQ(Names(order), (std::vector<std::string>{"middle", "late", "early"}));
}

TEST(TypeOrder, FallsBackToRankInACycle) {
  auto const order = TypeOrder({AType("a", 2, {"b"}), AType("b", 1, {"a"})});

  EXPECT_EQ(Names(order), (std::vector<std::string>{"b", "a"}));
}

TEST(TypeOrder, IgnoresTypesThatAreNotThere) {
  auto const order = TypeOrder({AType("zmachine", 500, {"qsfs"}), AType("zmount", 100)});

  EXPECT_EQ(Names(order), (std::vector<std::string>{"zmount", "zmachine"}));
}

}  // namespace
}  // namespace trellis::engine
