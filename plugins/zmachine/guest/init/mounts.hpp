// File systems of the guest: the kernel's own, the root, the workload's disks and shares.
#pragma once

#include "plugins/zmachine/guest/init/devices.hpp"
#include "plugins/zmachine/guest/init/modules.hpp"
#include "plugins/zmachine/guest/init/seed.hpp"

namespace trellis::guest {

/// devtmpfs, proc, sysfs of the initramfs.
void MountKernelFolders();

/// The root at /newroot: the disk that `root=/dev/…` on the kernel command line names (with
/// `rootfstype=`), else the virtiofs share `vroot`. False after five tries.
bool MountRoot(DeviceEvents const& events, ModuleStore const& modules);

/// Makes /newroot the root and takes /dev, /proc, /sys along; false when the kernel refuses.
bool SwitchRoot();

/// /dev/pts, /dev/shm, /sys/fs/cgroup and the links to descriptors, in the new root.
void MountRuntimeFolders();

/// The workload's mounts, in order; disks are tried as btrfs, then ext4, and grown to their device.
/// A failure prints `mount failed: <target>: <errno>` and the next one is tried.
void MountWorkload(Seed const& seed, ModuleStore const& modules);

}  // namespace trellis::guest
