// A helper process can do what its plugin was granted and nothing else.
#include "tests/unit/kernel/plugin/plugin_lab.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/landlock.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>

namespace trellis::plugin {
namespace {

using Permissions = std::vector<std::string>;

class Sandbox : public ::testing::Test {
 protected:
  void Grant(Permissions permissions) {
    lab_.hosting = Hosting::kProcess;
    lab_.Add("prober");
    lab_.config["prober"].permissions = std::move(permissions);
    for (auto const* const folder : {"readable", "writable", "elsewhere", "mount"})
      std::filesystem::create_directories(State() / folder);
    for (auto const* const folder : {"readable", "writable", "elsewhere"})
      std::ofstream(State() / folder / "file") << "text";
    lab_.Open();
    ASSERT_EQ(lab_.StatusOf("prober").state, "running") << lab_.StatusOf("prober").reason;
  }
  /// The errno of it, or -1 when the plugin did not live to tell.
  int Try(std::string const& action) {
    auto const answer =
        lab_.manager().Run(Op::kProvision, RequestFor("prober", "\"" + action + "\""), nullptr);
    EXPECT_EQ(answer.status, TRL_OK) << action << ": " << answer.error;
    return answer.status == TRL_OK ? std::stoi(answer.result) : -1;
  }
  int Try(std::string const& action, std::filesystem::path const& path) {
    return Try(action + " " + path.string());
  }
  [[nodiscard]] std::filesystem::path State() const {
    return lab_.plugins().parent_path() / "state";
  }
  PluginLab lab_;
};

TEST_F(Sandbox, WithoutPermissionsHasNoCapabilityAndFewDescriptors) {
  Grant({});

  EXPECT_EQ(Try("capabilities 0000000000000000"), 0);
  EXPECT_EQ(Try("descriptors 1024"), 0);
}

TEST_F(Sandbox, WithoutPermissionsHasItsOwnFoldersOnly) {
  Grant({});

  EXPECT_EQ(Try("write", State() / "plugins/prober/file"), 0);
  EXPECT_EQ(Try("write", lab_.plugins().parent_path() / "run/plugins/prober/file"), 0);
  EXPECT_EQ(Try("write", State() / "elsewhere/file"), EACCES);
  EXPECT_EQ(Try("read", State() / "elsewhere/file"), EACCES);
  EXPECT_EQ(Try("read", State() / "readable/file"), EACCES);
  EXPECT_EQ(Try("read /etc/shadow"), EACCES);
  EXPECT_EQ(Try("open /dev/ptmx"), EACCES);
}

TEST_F(Sandbox, WithoutPermissionsRunsToolsOfTheSystem) {
  Grant({});

  EXPECT_EQ(Try("run /bin/true"), 0);
  EXPECT_EQ(Try("read /etc/passwd"), 0);
  EXPECT_EQ(Try("open /dev/null"), 0);
}

TEST_F(Sandbox, ReadsWhereItMayReadAndWritesWhereItMayWrite) {
  Grant({"fs.read:{state}/readable", "fs.write:{state}/writable"});

  EXPECT_EQ(Try("read", State() / "readable/file"), 0);
  EXPECT_EQ(Try("write", State() / "readable/file"), EACCES);
  EXPECT_EQ(Try("write", State() / "writable/file"), 0);
  EXPECT_EQ(Try("write", State() / "writable/new"), 0);
  EXPECT_EQ(Try("write", State() / "elsewhere/file"), EACCES);
}

TEST_F(Sandbox, UsesADeviceItMayUse) {
  Grant({"device:/dev/ptmx"});

  EXPECT_EQ(Try("open /dev/ptmx"), 0);
}

TEST_F(Sandbox, GivesFilesAwayWithTheRightToOnly) {
  Grant({"fs.write:{state}/writable"});
  EXPECT_EQ(Try("chown", State() / "writable/file"), EPERM);
}

TEST_F(Sandbox, GivesFilesAwayWithTheRightTo) {
  Grant({"fs.write:{state}/writable", "fs.owner"});
  EXPECT_EQ(Try("chown", State() / "writable/file"), 0);
}

TEST_F(Sandbox, WithoutPermissionsHasUnixSocketsOnly) {
  Grant({});

  EXPECT_EQ(Try(fmt::format("socket {}", AF_UNIX)), 0);
  for (int const family : {AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_ALG, AF_VSOCK})
    EXPECT_EQ(Try(fmt::format("socket {}", family)), EPERM) << family;
  EXPECT_EQ(Try(fmt::format("disguised-socket {}", AF_INET)), EPERM);
}

TEST_F(Sandbox, ConnectsWithThePermissionAndDoesNotAdminister) {
  Grant({"net.connect"});

  EXPECT_EQ(Try(fmt::format("socket {}", AF_INET)), 0);
  EXPECT_EQ(Try(fmt::format("socket {}", AF_INET6)), 0);
  EXPECT_EQ(Try(fmt::format("socket {}", AF_NETLINK)), EPERM);
  EXPECT_EQ(Try("raw"), EPERM);
  EXPECT_EQ(Try("bind 1"), EACCES);
  EXPECT_EQ(Try("capabilities 0000000000000000"), 0);
}

TEST_F(Sandbox, BindsLowPortsWithThePermission) {
  Grant({"net.connect", "net.bind-low"});

  EXPECT_EQ(Try("capabilities 0000000000000400"), 0);
  EXPECT_EQ(Try("bind 1"), 0);
}

TEST_F(Sandbox, AdministersNetworksWithThePermission) {
  Grant({"net.admin"});

  EXPECT_EQ(Try("capabilities 0000000000003000"), 0) << "CAP_NET_ADMIN, CAP_NET_RAW";
  EXPECT_EQ(Try(fmt::format("socket {}", AF_NETLINK)), 0);
  EXPECT_EQ(Try("raw"), 0);
  EXPECT_EQ(Try(fmt::format("socket {}", AF_ALG)), EPERM);
  EXPECT_EQ(Try("unshare-net"), EPERM);
}

TEST_F(Sandbox, WithoutPermissionsMountsNothingAndEntersNothing) {
  Grant({});

  EXPECT_EQ(Try("mount", State() / "plugins/prober"), EPERM);
  EXPECT_EQ(Try("fsopen"), EPERM);
  EXPECT_EQ(Try("unshare-net"), EPERM);
  EXPECT_EQ(Try("unshare-user"), EPERM);
  EXPECT_EQ(Try("clone-user"), EPERM);
  EXPECT_EQ(Try("setns /proc/self/ns/net"), EPERM);
  EXPECT_EQ(Try("chroot"), EPERM);
}

TEST_F(Sandbox, MountsWithThePermission) {
  Grant({"fs.mount"});

  EXPECT_EQ(Try("capabilities 0000000000200000"), 0) << "CAP_SYS_ADMIN";
  EXPECT_EQ(Try("mount", State() / "mount"), 0);
  EXPECT_EQ(Try("fsopen"), 0);
  EXPECT_EQ(Try("unshare-user"), EPERM);
  EXPECT_EQ(Try("clone-user"), EPERM);
}

TEST_F(Sandbox, EntersNetworkNamespacesWithThePermission) {
  Grant({"net.namespace"});

  EXPECT_EQ(Try("setns /proc/self/ns/net"), 0);
  EXPECT_EQ(Try("unshare-net"), 0);
}

TEST_F(Sandbox, DeniesWhatNoPluginIsForWhateverWasGranted) {
  Grant({"net.admin", "net.namespace", "net.bind-low", "net.connect", "fs.mount", "fs.owner"});

  for (long const call :
       {SYS_process_vm_readv, SYS_process_vm_writev, SYS_bpf, SYS_init_module, SYS_finit_module,
        SYS_delete_module, SYS_kexec_load, SYS_kexec_file_load, SYS_swapon, SYS_swapoff, SYS_acct,
        SYS_settimeofday, SYS_personality, SYS_userfaultfd, SYS_io_uring_setup, SYS_reboot,
        SYS_keyctl, SYS_perf_event_open})
    EXPECT_EQ(Try(fmt::format("call {}", call)), EPERM) << call;
}

TEST_F(Sandbox, NeverTraces) {
  Grant({"fs.mount", "net.namespace"});
  EXPECT_EQ(Try("ptrace"), EPERM);
}

TEST_F(Sandbox, DoesNotSignalTheDaemon) {
  Grant({});
  // Older kernels cannot keep signals back; then it is told.
  constexpr long kConfinesSignals = 6;
  auto const landlock =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (landlock >= kConfinesSignals) {
    EXPECT_EQ(Try(fmt::format("signal {}", ::getpid())), EPERM);
  } else {
    EXPECT_THAT(lab_.StatusOf("prober").warnings, ::testing::Not(::testing::IsEmpty()));
  }
}

TEST_F(Sandbox, TellsWhatWasNotGranted) {
  Grant({"fs.mount"});

  auto const status = lab_.StatusOf("prober");

  EXPECT_THAT(status.permissions, ::testing::ElementsAre("fs.mount"));
  EXPECT_THAT(status.not_granted, ::testing::Contains("net.admin"));
  EXPECT_THAT(status.not_granted, ::testing::Not(::testing::Contains("fs.mount")));
}

TEST_F(Sandbox, RefusesAConfigurationThatGrantsWhatThereIsNot) {
  lab_.hosting = Hosting::kProcess;
  lab_.Add("prober");
  lab_.config["prober"].permissions = {"fs.moun"};
  lab_.Open();

  EXPECT_NE(lab_.StatusOf("prober").state, "running");
  EXPECT_THAT(lab_.StatusOf("prober").reason,
              ::testing::HasSubstr("the configuration of plugin 'prober' is wrong: unknown "
                                   "permission 'fs.moun'"));
}

TEST_F(Sandbox, IsTheSameAfterARestart) {
  Grant({});

  ASSERT_TRUE(lab_.manager().Restart("prober"));

  EXPECT_EQ(Try("read", State() / "elsewhere/file"), EACCES);
  EXPECT_EQ(Try("unshare-user"), EPERM);
}

}  // namespace
}  // namespace trellis::plugin
