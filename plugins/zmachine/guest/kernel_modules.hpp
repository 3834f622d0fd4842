// The kernel modules of the initramfs: found in a module tree, put in load order.
#pragma once

#include <trellis/result.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::zmachine {

/// One module, uncompressed.
struct KernelModule {
  std::string name;  // with '_' for '-', as the kernel names it
  std::vector<std::uint8_t> content;
};

/// Modules `wanted` and everything they depend on, dependencies first, each once. Reads `.ko`,
/// `.ko.xz`, `.ko.zst` and `.ko.gz` below `tree`. kNotFound names the missing module.
Result<std::vector<KernelModule>> CollectModules(std::filesystem::path const& tree,
                                                 std::vector<std::string> const& wanted);

/// The names in a module's `depends=` entry.
std::vector<std::string> ModuleDependencies(std::string_view module);

}  // namespace trellis::plugins::zmachine
