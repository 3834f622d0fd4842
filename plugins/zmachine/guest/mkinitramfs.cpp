// trellis-mkinitramfs MODULES INIT OUT: the guests' initramfs from a kernel module tree and /init.
// Needs no root: the guest's devtmpfs supplies the device nodes.
#include "plugins/zmachine/guest/cpio.hpp"
#include "plugins/zmachine/guest/file_io.hpp"
#include "plugins/zmachine/guest/kernel_modules.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdio>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zmachine = trellis::plugins::zmachine;

namespace {

/// A list of modules that /init loads together, named /mod/<name> in the initramfs.
struct ModuleSet {
  std::string name;
  std::vector<std::string> modules;
};

std::vector<ModuleSet> Sets() {
  return {
      {"order",
       {"virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci",
        "failover", "net_failover", "virtio_net", "virtio_blk", "fuse", "virtiofs", "virtio-rng"}},
      {"cidata", {"fat", "vfat", "nls_cp437", "nls_ascii", "nls_iso8859-1"}},
      {"btrfs",
       {"crc32c-intel", "libcrc32c", "zstd_compress", "raid6_pq", "xor", "blake2b_generic",
        "btrfs"}}};
}

std::span<std::uint8_t const> BytesOf(std::string_view text) {
  return {reinterpret_cast<std::uint8_t const*>(text.data()), text.size()};
}

trellis::Result<void> Build(std::string const& tree, std::string const& init,
                            std::string const& to) {
  zmachine::CpioWriter cpio;
  for (char const* folder : {"dev", "proc", "sys", "mod", "seed", "newroot"})
    cpio.AddFolder(folder);
  TRELLIS_TRY(auto program, zmachine::ReadWholeFile(init));
  cpio.AddFile("init", 0755, program);
  std::set<std::string> packed;
  for (auto const& set : Sets()) {
    TRELLIS_TRY(auto modules, zmachine::CollectModules(tree, set.modules));
    std::string order;
    for (auto const& module : modules) {
      if (!packed.insert(module.name).second) continue;  // an earlier set has loaded it
      order += module.name + ".ko\n";
      cpio.AddFile("mod/" + module.name + ".ko", 0644, module.content);
    }
    cpio.AddFile("mod/" + set.name, 0644, BytesOf(order));
  }
  TRELLIS_TRY(auto packed_image, zmachine::Gzip(std::move(cpio).Finish()));
  return zmachine::ReplaceFile(to, packed_image);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: trellis-mkinitramfs MODULES INIT OUT\n", stderr);
    return 2;
  }
  auto const done = Build(argv[1], argv[2], argv[3]);
  if (!done) fmt::print(stderr, "trellis-mkinitramfs: {}\n", done.error().message);
  return done ? 0 : 1;
}
