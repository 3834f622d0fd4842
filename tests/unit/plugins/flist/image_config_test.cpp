#include "plugins/flist/oci.hpp"

#include <gtest/gtest.h>

namespace trellis::plugins::flist {
namespace {

TEST(ImageConfig, JoinsEntrypointAndCommandQuoted) {
  auto const config = ParseImageConfig(
      R"({"config":{"Entrypoint":["/bin/sh","-c"],"Cmd":["echo \"a b\""],"WorkingDir":"/srv","User":"app"}})");

  ASSERT_TRUE(config);
  EXPECT_EQ(config->entrypoint, R"("/bin/sh" "-c" "echo \"a b\"")");
  EXPECT_EQ(config->cwd, "/srv");
  EXPECT_EQ(config->user, "app");
}

TEST(ImageConfig, TakesCommandAloneWhenEntrypointIsNull) {
  auto const config = ParseImageConfig(R"({"config":{"Entrypoint":null,"Cmd":["/bin/bash"]}})");

  EXPECT_EQ(config->entrypoint, R"("/bin/bash")");
}

TEST(ImageConfig, SplitsEnvironmentAtTheFirstEqualSign) {
  auto const config =
      ParseImageConfig(R"({"config":{"Env":["PATH=/bin","OPTS=a=b","EMPTY=","=x","novalue"]}})");

  std::map<std::string, std::string> const wanted{{"PATH", "/bin"}, {"OPTS", "a=b"}, {"EMPTY", ""}};
  EXPECT_EQ(config->env, wanted);
}

TEST(ImageConfig, NothingGivenIsEmpty) {
  auto const config = ParseImageConfig("{}");

  ASSERT_TRUE(config);
  EXPECT_EQ(config->entrypoint, "");
}

}  // namespace
}  // namespace trellis::plugins::flist
