// A kernel for plugins that has no store and no ledger behind it.
#pragma once

#include "kernel/plugin/no_kernel.hpp"

#include <string>
#include <utility>
#include <vector>

namespace trellis::plugin {

/// The key-value store, and the workloads that a test says are known.
class KernelOfTests final : public MemoryKernel {
 public:
  KernelOfTests() : MemoryKernel("the ledger is away") {}

  Result<std::vector<std::pair<std::string, std::string>>> Known() override { return known; }
  std::vector<std::pair<std::string, std::string>> known;
};

}  // namespace trellis::plugin
