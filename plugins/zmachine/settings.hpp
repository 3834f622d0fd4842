// The plugin's configuration, and what of it depends on the machine it runs on.
#pragma once

#include "plugins/zmachine/libvirt_api.hpp"
#include "plugins/zmachine/probe/accel.hpp"

#include <trellis/sdk.hpp>

#include <cstdint>
#include <string>

namespace trellis::plugins::zmachine {

/// Keys of `[plugin.zmachine.config]`. Empty paths are looked for (see FindPrograms).
struct Settings {
  std::string libvirt = "auto";  ///< auto|system|embed
  std::string manage_libvirtd = "auto";
  std::string embed_root;
  std::string accel = "auto";  ///< auto|kvm|tcg
  std::string machine = "q35";
  std::uint32_t tb_cache_mib = 32;
  std::string guest_kernel;
  std::string initramfs;
  std::string kvm_probe;
  std::string virtiofsd;
  std::string disk_fs;  ///< btrfs|ext4, "" = the storage plugin's
  std::string corex_path;
  std::uint32_t shutdown_grace_s = 0;
  std::uint32_t crash_count = 4;
  std::uint32_t crash_window_s = 120;
  std::uint32_t reboot_quick_s = 60;
  std::uint64_t log_max = std::uint64_t{8} << 20;
  std::uint64_t log_keep = std::uint64_t{4} << 20;
};
BOOST_DESCRIBE_STRUCT(Settings, (),
                      (libvirt, manage_libvirtd, embed_root, accel, machine, tb_cache_mib,
                       guest_kernel, initramfs, kvm_probe, virtiofsd, disk_fs, corex_path,
                       shutdown_grace_s, crash_count, crash_window_s, reboot_quick_s, log_max,
                       log_keep))

/// Fills empty paths: guest boot set and probe beside the running program (`../guest`,
/// `../libexec/trellis`), else below /usr/libexec/trellis; virtiofsd from the emulator's registry.
/// A path that is nowhere stays the last candidate, so that errors name it.
Settings FindPrograms(Settings settings);

/// The accelerator by configuration or probe.
AccelReport ChooseAccel(Settings const& settings);

/// True when the embedded driver is to be used: `embed`, or `auto` in a process of ours.
bool UsesEmbed(Settings const& settings, bool isolated);

/// Name of the user that QEMU runs as: libvirt-qemu; root where there is none or where it may not
/// open the /dev/kvm that there is.
std::string QemuUser();

/// The folder of the embedded driver: `wanted`, or `/run/trellis-<hash>` where that has more than
/// 45 characters, because socket paths below it must stay short.
std::string EmbedRoot(std::string const& wanted);

/// Makes that folder with its qemu.conf. kIo.
Result<void> PrepareEmbed(std::string const& root);

/// The embedded driver's connection.
LibvirtOptions EmbedLibvirt(std::string const& root);

/// Writes /etc/libvirt/qemu.conf where there is none, so that a libvirtd of ours behaves like the
/// embedded driver; a file that is there is the operator's and stays. kIo.
Result<void> PrepareSystemLibvirt();

/// The daemon's connection.
LibvirtOptions SystemLibvirt();

}  // namespace trellis::plugins::zmachine
