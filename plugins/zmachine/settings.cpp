#include "plugins/zmachine/settings.hpp"

#include "plugins/common/posix/programs.hpp"
#include "plugins/zmachine/launch.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace trellis::plugins::zmachine {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxEmbedRoot = 45;
constexpr char const* kSystemLibexec = "/usr/libexec/trellis";
constexpr char const* kVhostRegistry = "/usr/share/qemu/vhost-user";

/// The first that exists, else the last.
std::string FirstExisting(std::vector<fs::path> const& candidates) {
  std::error_code ignored;
  for (auto const& path : candidates) {
    if (fs::exists(path, ignored)) return path.lexically_normal().string();
  }
  return candidates.back().lexically_normal().string();
}

struct VhostProgram {
  std::string type;
  std::string binary;
};
BOOST_DESCRIBE_STRUCT(VhostProgram, (), (type, binary))

/// virtiofsd as its package registers it, else the path of later Debian releases.
std::string FindVirtiofsd() {
  std::error_code error;
  for (auto const& entry : fs::directory_iterator(kVhostRegistry, error)) {
    std::ifstream file(entry.path());
    std::ostringstream text;
    text << file.rdbuf();
    auto const program = json::Parse<VhostProgram>(text.str());
    if (program && program->type == "fs" && fs::exists(program->binary, error))
      return program->binary;
  }
  return FirstExisting({"/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd"});
}

bool AppArmorIsOn() {
  std::ifstream file("/sys/module/apparmor/parameters/enabled");
  return file.get() == 'Y';
}

/// libvirt asks an emulator for its abilities, sees kvm, finds that the user may not open the
/// device, throws the answer away and asks again: forty times, two seconds each, at every start.
bool MayOpenKvm(passwd const& user) {
  struct stat device {};
  if (::stat("/dev/kvm", &device) != 0) return true;
  static constexpr unsigned kOtherWrite = S_IWOTH;
  static constexpr unsigned kGroupWrite = S_IWGRP;
  if ((device.st_mode & kOtherWrite) != 0) return true;
  if ((device.st_mode & kGroupWrite) == 0) return false;
  std::array<gid_t, 64> groups{};
  int count = static_cast<int>(groups.size());
  if (::getgrouplist(user.pw_name, user.pw_gid, groups.data(), &count) < 0) return false;
  return std::find(groups.begin(), groups.begin() + count, device.st_gid) != groups.begin() + count;
}

std::string QemuConf() {
  std::string text = fmt::format("user = \"{0}\"\ngroup = \"{0}\"\n", QemuUser());
  text += "dynamic_ownership = 0\nremember_owner = 0\nnamespaces = [ ]\nstdio_handler = \"file\"\n";
  if (::access("/sys/fs/cgroup", W_OK) != 0) text += "cgroup_controllers = [ ]\n";
  if (!AppArmorIsOn()) text += "security_driver = \"none\"\n";
  return text;
}

Result<void> WriteQemuConf(fs::path const& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return Fail(Code::kIo, "create '{}': {}", folder.string(), error.message());
  std::ofstream file(folder / "qemu.conf", std::ios::trunc);
  file << "# Written by the zmachine plugin of Trellis.\n" << QemuConf();
  file.close();
  if (!file) return Fail(Code::kIo, "write '{}/qemu.conf'", folder.string());
  return {};
}

}  // namespace

Settings FindPrograms(Settings settings) {
  std::error_code error;
  fs::path const program = fs::read_symlink("/proc/self/exe", error);
  fs::path const bin = program.parent_path();
  fs::path const libexec = bin / "../libexec/trellis";
  auto const guest = [&](std::string const& name) {
    return FirstExisting({bin / "../guest" / name, libexec / "guest" / name,
                          fs::path(kSystemLibexec) / "guest" / name});
  };
  if (settings.guest_kernel.empty()) settings.guest_kernel = guest("vmlinuz");
  if (settings.initramfs.empty()) settings.initramfs = guest("initramfs.img");
  if (settings.kvm_probe.empty()) settings.kvm_probe = OwnProgram("trellis-kvm-probe");
  if (settings.virtiofsd.empty()) settings.virtiofsd = FindVirtiofsd();
  return settings;
}

AccelReport ChooseAccel(Settings const& settings) {
  if (settings.accel == "kvm") return {Accel::kKvm, "configured"};
  if (settings.accel == "tcg") return {Accel::kTcg, "configured"};
  return ProbeAccel(settings.kvm_probe);
}

bool UsesEmbed(Settings const& settings, bool isolated) {
  return settings.libvirt == "embed" || (settings.libvirt == "auto" && !isolated);
}

std::string QemuUser() {
  static constexpr char const* kUser = "libvirt-qemu";
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwnam_r(kUser, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return "root";
  return MayOpenKvm(entry) ? kUser : "root";
}

std::string EmbedRoot(std::string const& wanted) {
  static constexpr std::size_t kHashDigits = 8;
  if (wanted.size() <= kMaxEmbedRoot) return wanted;
  return "/run/trellis-" + HashText(wanted).substr(0, kHashDigits);
}

Result<void> PrepareEmbed(std::string const& root) {
  return WriteQemuConf(fs::path(root) / "etc");
}

Result<void> PrepareSystemLibvirt() {
  std::error_code ignored;
  if (fs::exists("/etc/libvirt/qemu.conf", ignored)) return {};
  return WriteQemuConf("/etc/libvirt");
}

LibvirtOptions EmbedLibvirt(std::string const& root) {
  return {"qemu:///embed?root=" + root, root + "/run/qemu"};
}

LibvirtOptions SystemLibvirt() {
  return {"qemu:///system", "/run/libvirt/qemu"};
}

}  // namespace trellis::plugins::zmachine
