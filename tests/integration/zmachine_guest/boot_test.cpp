#include "plugins/zmachine/guest_config.hpp"
#include "tests/integration/zmachine_guest/guest_lab.hpp"
#include "tests/support/patience.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace trellis::tests {
namespace {

using plugins::zmachine::GuestConfig;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

class GuestBoot : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(EnterGuestNetwork()); }

  static GuestConfig AGuest() {
    GuestConfig config;
    config.id = "7-100-vm1";
    config.hostname = "vm1";
    config.interfaces.push_back({"52:54:00:77:00:02",
                                 {"10.77.0.2/24", "fd77::2/64"},
                                 "10.77.0.1",
                                 "fd77::1",
                                 {{"10.78.0.0/16", "10.77.0.1"}}});
    config.nameservers = {"10.77.0.1"};
    config.entrypoint_words = {"/bin/hello"};
    return config;
  }

  static std::string ReadText(std::filesystem::path const& path) {
    std::ifstream in(path);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }
};

TEST_F(GuestBoot, RunsEntrypointWithNetworkDiskEnvAndFiles) {
  GuestLab lab;
  lab.AddGrownDisk();
  auto config = AGuest();
  config.env = {{"QUOTED", "it's \"a\" test\nof $two lines"}, {"SSH_KEY", "ssh-ed25519 AAAA me"}};
  config.mounts = {{"/dev/vda", "/data", "auto"}};
  config.entrypoint_words = {"hello", "two words", "it's"};

  lab.Start(config);
  ASSERT_TRUE(lab.WaitForConsole("listens on port 80", trellis::testing::kPatience))
      << lab.console();

  EXPECT_THAT(lab.console(), HasSubstr("trellis-init "));
  EXPECT_THAT(lab.console(), ::testing::Not(HasSubstr("trellis-init: "))) << "no step complained";
  auto const page = Http("10.77.0.2", "GET /");
  auto const info = boost::json::parse(page.substr(page.find("\r\n\r\n") + 4)).as_object();
  EXPECT_EQ(info.at("hostname").as_string(), "vm1");
  EXPECT_EQ(info.at("env").at("QUOTED").as_string(), "it's \"a\" test\nof $two lines");
  EXPECT_EQ(info.at("args"), boost::json::parse(R"(["hello", "two words", "it's"])"));
  EXPECT_TRUE(info.at("data").at("mounted").as_bool());
  EXPECT_GT(info.at("data").at("size_bytes").to_number<std::uint64_t>(), 500'000'000U) << "grown";
  EXPECT_THAT(Http("10.77.0.2", "PUT /data/note", "kept"), HasSubstr("201 Created"));
  EXPECT_THAT(Http("10.77.0.2", "GET /data/note"), ::testing::EndsWith("\r\n\r\nkept"));
  EXPECT_EQ(ReadText(lab.Root() / "etc/resolv.conf"), "nameserver 10.77.0.1\n");
  EXPECT_THAT(ReadText(lab.Root() / "etc/hosts"), HasSubstr("127.0.1.1 vm1\n"));
  EXPECT_EQ(ReadText(lab.Root() / "root/.ssh/authorized_keys"), "ssh-ed25519 AAAA me\n");
}

TEST_F(GuestBoot, PowersOffWhenEntrypointIsMissing) {
  GuestLab lab;
  auto config = AGuest();
  config.entrypoint_words = {"/bin/nothing"};

  lab.Start(config);

  EXPECT_TRUE(
      lab.WaitForConsole("entrypoint '/bin/nothing' not found", trellis::testing::kPatience))
      << lab.console();
  EXPECT_TRUE(lab.WaitForEnd(trellis::testing::kPatience));
}

}  // namespace
}  // namespace trellis::tests
