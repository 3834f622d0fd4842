// The manifest of the plugin: what it registers and which configuration it takes.
#pragma once

namespace trellis::plugins::zmachine {

inline constexpr char const* kPluginManifest = R"json({
"manifest":1,"name":"zmachine","version":"1.0.0",
"summary":"Virtual machines and containers in virtual machines, run by libvirt and QEMU",
"license":"Apache-2.0",
"types":[{"name":"zmachine","sharable":false,"rank":500,"max_parallel":2,"update":false,"pause":true,
  "after":["zmount","qsfs","network","ip"],"deadline_s":{"provision":180}}],
"services":{"provides":["trellis.vm.machine/1"],
  "requires":["trellis.storage.disk/1","trellis.storage.volume/1","trellis.image.flist/1","trellis.net.attach/1","trellis.net.namespace/1","trellis.net.public/1"],
  "wants":[]},
"commands":["zos.zmachine.accel"],
"permissions":["unix:/run/libvirt","contract.read","process.spawn","engine.report","command:zos.zmachine.",
  "fs.owner","fs.write:{run}/plugins/flist","fs.read:{state}/plugins/storage","fs.write:/etc/libvirt","device:/dev/kvm"],
"config":{"version":1,"schema":{"type":"object","additionalProperties":false,"properties":{
  "libvirt":{"enum":["auto","system","embed"],"default":"auto","description":"connection: the libvirtd of the system, or the driver inside the plugin; auto: system in a helper process, else embed"},
  "manage_libvirtd":{"enum":["auto","off"],"default":"auto","description":"start virtlogd and libvirtd where no libvirtd answers"},
  "embed_root":{"type":"string","default":"","description":"folder of the embedded driver; empty: <run_dir>/lv"},
  "accel":{"enum":["auto","kvm","tcg"],"default":"auto","description":"hardware virtualisation; auto: kvm when it works in time"},
  "machine":{"enum":["q35","pc"],"default":"q35","description":"machine type of the emulator"},
  "tb_cache_mib":{"type":"integer","minimum":8,"maximum":1024,"default":32,"description":"translation cache of a machine without kvm, MiB"},
  "guest_kernel":{"type":"string","default":"","description":"kernel of containers; empty: the one of this installation"},
  "initramfs":{"type":"string","default":"","description":"initramfs of containers; empty: the one of this installation"},
  "kvm_probe":{"type":"string","default":"","description":"program that tests kvm; empty: the one of this installation"},
  "virtiofsd":{"type":"string","default":"","description":"file server program; empty: the installed one"},
  "disk_fs":{"enum":["","btrfs","ext4"],"default":"","description":"file system of new disks; empty: as the storage plugin is configured"},
  "corex_path":{"type":"string","default":"","description":"corex binary to copy into machines that ask for it; empty: not available"},
  "shutdown_grace_s":{"type":"integer","minimum":0,"maximum":60,"default":0,"description":"how long a virtual machine may take to power off, seconds"},
  "crash_count":{"type":"integer","minimum":1,"maximum":100,"default":4,"description":"crashes within the window that end a machine"},
  "crash_window_s":{"type":"integer","minimum":1,"maximum":86400,"default":120,"description":"length of the window, seconds"},
  "reboot_quick_s":{"type":"integer","minimum":0,"maximum":86400,"default":60,"description":"a reboot so soon after a start counts as a crash, seconds"},
  "log_max":{"type":"integer","minimum":65536,"default":8388608,"description":"console log size that is cut, bytes"},
  "log_keep":{"type":"integer","minimum":0,"default":4194304,"description":"bytes kept of a cut log"}}}},
"state":{"version":1}})json";

}  // namespace trellis::plugins::zmachine
