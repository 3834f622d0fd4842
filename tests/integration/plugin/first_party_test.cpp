// The plugins of the node do their work with the rights that they ask for.
#include "kernel/sys/process.hpp"
#include "tests/support/own_namespaces.hpp"
#include "tests/support/patience.hpp"
#include "tests/unit/kernel/plugin/plugin_lab.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <fstream>

namespace trellis::plugin {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kQuitNs = 60'000'000'000;

class FirstParty : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(testing::EnterOwnNamespaces());
    lab_.hosting = Hosting::kProcess;
    lab_.data_processes = true;
    Configure("storage",
              fmt::format(R"({{"pools":[{{"name":"ssd0","path":"{}/pool","size":{}}}]}})",
                          Dir().string(), std::uint64_t{1} << 30U));
    Configure("zmount", "{}");
    Configure("flist", fmt::format(R"({{"file_roots":["{}"]}})", images_.path().string()));
    Configure("network", fmt::format(R"({{"netns_dir":"{}/netns"}})", Dir().string()));
    lab_.Open();
    for (auto const* const plugin : {"storage", "zmount", "flist", "network"})
      ASSERT_EQ(lab_.StatusOf(plugin).state, "running") << lab_.StatusOf(plugin).reason;
  }
  void TearDown() override {
    lab_.manager().Stop();
    // After the plugins: they would take the end of a process for its death and start it again.
    EXPECT_TRUE(lab_.manager().supervisor()->Quit(MonotonicNs() + kQuitNs));
    std::ifstream mounts("/proc/self/mounts");
    std::vector<std::string> below;
    for (std::string line; std::getline(mounts, line);) {
      std::string const target = line.substr(line.find(' ') + 1);
      if (target.starts_with(Dir().string() + "/"))
        below.push_back(target.substr(0, target.find(' ')));
    }
    for (auto mount = below.rbegin(); mount != below.rend(); ++mount)
      EXPECT_EQ(::umount2(mount->c_str(), 0), 0) << *mount;
  }
  void Configure(std::string const& plugin, std::string config) {
    lab_.Add(plugin, "plugins");
    lab_.config[plugin].config_json = std::move(config);
  }
  [[nodiscard]] std::filesystem::path Dir() const { return lab_.plugins().parent_path(); }
  OpAnswer Run(Op op, std::string const& type, std::string const& data) {
    return lab_.manager().Run(op, RequestFor(type, data), nullptr);
  }
  std::int32_t Look(std::string const& type, std::string const& data) {
    auto const seen = lab_.manager().Inspect(RequestFor(type, data));
    EXPECT_TRUE(seen) << seen.error().message;
    return seen ? seen->state : -1;
  }
  void ExpectLife(std::string const& type, std::string const& data) {
    auto const made = Run(Op::kProvision, type, data);
    EXPECT_EQ(made.status, TRL_OK) << made.error;
    EXPECT_EQ(Look(type, data), TRL_OBSERVED_RUNNING);
    auto const removed = Run(Op::kDeprovision, type, data);
    EXPECT_EQ(removed.status, TRL_OK) << removed.error;
    EXPECT_EQ(Look(type, data), TRL_OBSERVED_ABSENT);
  }
  /// The reply's text, or "".
  std::string Serve(std::string const& service, std::string const& method,
                    std::string const& request) {
    auto const reply = lab_.manager().CallService(service, method, request, nullptr);
    EXPECT_TRUE(reply) << method << ": " << reply.error().message;
    return reply ? *reply : std::string();
  }
  trellis::testing::TempDir images_;
  PluginLab lab_;
};

TEST_F(FirstParty, MakesAndRemovesADisk) {
  ExpectLife("zmount", R"({"size":104857600})");
}

TEST_F(FirstParty, FormatsADiskOfTheEmulator) {
  Serve("trellis.storage.disk/1", "create", R"({"owner":"1-2-disk","size":134217728})");

  auto const disk =
      Serve("trellis.storage.disk/1", "format", R"({"owner":"1-2-disk","fs":"ext4"})");

  EXPECT_THAT(disk, HasSubstr(R"("formatted":true)"));
  Serve("trellis.storage.disk/1", "delete", R"({"owner":"1-2-disk"})");
}

TEST_F(FirstParty, MakesAndRemovesANetwork) {
  ExpectLife(
      "network",
      R"({"ip_range":"10.1.0.0/16","subnet":"10.1.2.0/24","wireguard_private_key":)"
      R"("dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=","wireguard_listen_port":2001,"peers":[]})");
}

TEST_F(FirstParty, MakesATapForAMachine) {
  auto const made = Run(
      Op::kProvision, "network",
      R"({"ip_range":"10.1.0.0/16","subnet":"10.1.2.0/24","wireguard_private_key":)"
      R"("dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=","wireguard_listen_port":2001,"peers":[]})");
  ASSERT_EQ(made.status, TRL_OK) << made.error;

  auto const tap = Serve("trellis.net.attach/1", "private",
                         R"({"owner":"7-9-vm","twin":7,"network":"w","ip":"10.1.2.5"})");

  EXPECT_THAT(tap, HasSubstr(R"("tap":)"));
  Serve("trellis.net.attach/1", "detach", R"({"owner":"7-9-vm","slot":"private"})");
}

TEST_F(FirstParty, MountsAnImageToReadAndToWrite) {
  std::filesystem::create_directories(images_ / "tree/etc");
  std::ofstream(images_ / "tree/etc/issue") << "hi";
  ASSERT_TRUE(sys::RunTool({"tar", "-C", images_ / "tree", "-cf", images_ / "image.tar", "."},
                           testing::kPatience));
  auto const volume = Serve("trellis.storage.volume/1", "create",
                            R"({"owner":"1-2-vm","slot":"root","size":134217728})");
  auto const upper = json::ParseValue(volume)->at("path").as_string();

  auto const request = [&](std::string_view slot, std::string_view mode, std::string_view over) {
    return fmt::format(
        R"({{"owner":"1-2-vm","slot":"{}","url":"file://{}/image.tar","mode":"{}","upper":"{}"}})",
        slot, images_.path().string(), mode, over);
  };
  auto const seen = Serve("trellis.image.flist/1", "mount", request("a", "ro", ""));
  auto const changed = Serve("trellis.image.flist/1", "mount",
                             request("b", "rw", std::string_view(upper.data(), upper.size())));

  for (auto const& reply : {seen, changed}) {
    std::string const path(json::ParseValue(reply)->at("path").as_string());
    std::ifstream file(path + "/etc/issue");
    std::string text;
    EXPECT_TRUE(file >> text) << path;
    EXPECT_EQ(text, "hi");
  }
  std::string const root(json::ParseValue(changed)->at("path").as_string());
  // overlayfs does this with the rights of who mounted it.
  EXPECT_EQ(::chown((root + "/etc/issue").c_str(), 12345, 12345), 0);
  for (auto const* const slot : {"a", "b"})
    Serve("trellis.image.flist/1", "unmount",
          fmt::format(R"({{"owner":"1-2-vm","slot":"{}"}})", slot));
  Serve("trellis.storage.volume/1", "delete", R"({"owner":"1-2-vm","slot":"root"})");
}

}  // namespace
}  // namespace trellis::plugin
