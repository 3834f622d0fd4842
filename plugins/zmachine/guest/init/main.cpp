// /init of the guests' initramfs: process 1 from the kernel's start until the entrypoint runs.
#include "plugins/zmachine/guest/init/devices.hpp"
#include "plugins/zmachine/guest/init/entry.hpp"
#include "plugins/zmachine/guest/init/modules.hpp"
#include "plugins/zmachine/guest/init/mounts.hpp"
#include "plugins/zmachine/guest/init/network.hpp"
#include "plugins/zmachine/guest/init/root_files.hpp"
#include "plugins/zmachine/guest/init/seed.hpp"
#include "plugins/zmachine/guest/init/util.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <string>

namespace {

using namespace trellis::guest;  // this program is all about that namespace

void OpenConsole() {
  int const console = ::open("/dev/console", O_RDWR | O_NOCTTY);
  if (console < 0) return;
  for (int fd = 0; fd <= 2; ++fd) {
    if (fd != console) ::dup2(console, fd);
  }
  if (console > 2) ::close(console);
  constexpr char kHello[] = "trellis-init " TRELLIS_VERSION "\n";
  [[maybe_unused]] auto const written = ::write(1, kHello, sizeof(kHello) - 1);
}

Seed ReadSeed(ModuleStore const& modules, DeviceEvents const& events) {
  Seed seed;
  auto const device = FindCidata(events, std::chrono::seconds(5));
  if (device.empty()) PowerOff("no cidata volume");
  modules.Load("cidata");
  if (::mount(device.c_str(), "/seed", "vfat", MS_RDONLY, nullptr) != 0) {
    PowerOff("cannot mount " + device + ": " + ErrnoText());
  }
  ParseMetaData(ReadFile("/seed/meta-data"), seed);
  ParseNetworkConfig(ReadFile("/seed/network-config"), seed);
  ParseUserData(ReadFile("/seed/user-data"), seed);
  ParseZosRc(ReadFile("/seed/zosrc"), seed);
  ::umount("/seed");
  return seed;
}

}  // namespace

int main() {
  ::umask(022);
  MountKernelFolders();
  OpenConsole();
  DeviceEvents const events;
  ModuleStore const modules;
  modules.Load("order");
  auto const seed = ReadSeed(modules, events);
  ::sethostname(seed.hostname.data(), seed.hostname.size());
  if (!MountRoot(events, modules)) PowerOff("cannot mount the root file system: " + ErrnoText());
  ConfigureNetwork(seed);
  // Everything below happens inside the image's root, so that its links lead where they should.
  if (!SwitchRoot()) PowerOff("cannot switch to the root file system: " + ErrnoText());
  MountWorkload(seed, modules);
  modules.Discard();
  WriteRootFiles(seed);
  MountRuntimeFolders();
  MakeSshHostKeys();
  RunEntrypoint(seed);
}
