#include "kernel/plugin/order.hpp"

#include <gtest/gtest.h>

namespace trellis::plugin {
namespace {

Manifest With(std::vector<std::string> provides, std::vector<std::string> needs) {
  Manifest manifest;
  manifest.services.provides = std::move(provides);
  manifest.services.requires_ = std::move(needs);
  return manifest;
}

TEST(OrderPlugins, PutsProvidersFirstThenNames) {
  auto const order =
      OrderPlugins({{"a", With({}, {"s/1"})}, {"b", With({}, {})}, {"z", With({"s/1"}, {})}});
  EXPECT_EQ(order.names, (std::vector<std::string>{"z", "a", "b"}));
}

TEST(OrderPlugins, BlocksWhoDependsOnTheBlocked) {
  auto const order = OrderPlugins({{"a", With({"a/1"}, {"gone/1"})}, {"b", With({}, {"a/1"})}});
  EXPECT_TRUE(order.names.empty());
  EXPECT_EQ(order.blocked.at("a"), "needs gone/1");
  EXPECT_EQ(order.blocked.at("b"), "needs a/1");
}

TEST(OrderPlugins, PrintsACycle) {
  auto const order = OrderPlugins(
      {{"a", With({"a/1"}, {"b/1"})}, {"b", With({"b/1"}, {"a/1"})}, {"c", With({}, {})}});
  EXPECT_EQ(order.blocked.at("a"), "a → b → a");
  EXPECT_EQ(order.blocked.at("b"), "a → b → a");
  EXPECT_EQ(order.names, std::vector<std::string>{"c"});
}

}  // namespace
}  // namespace trellis::plugin
