// The kernel as one plugin may use it.
#pragma once

#include "kernel/plugin/kernel_services.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace trellis::plugin {

/// Refuses with kDenied what the plugin has no permission for and hands everything else on. Safe
/// for use by several threads, as what it borrows.
class GatedKernel final : public KernelServices {
 public:
  /// `need`: kDenied, which names plugin and permission, unless the permission is granted.
  using Need = std::function<Result<void>(std::string_view permission)>;

  GatedKernel(KernelServices& kernel, Need need) : kernel_(kernel), need_(std::move(need)) {}

  Result<std::string> DeploymentInfo(std::uint32_t twin, std::uint64_t contract) override {
    return kernel_.DeploymentInfo(twin, contract);
  }
  Result<std::string> Workload(std::uint32_t twin, std::uint64_t contract,
                               std::string_view name) override {
    return kernel_.Workload(twin, contract, name);
  }
  /// Every twin's workloads need `deployment.all`.
  Result<std::string> WorkloadsByType(std::uint32_t twin, std::uint64_t contract,
                                      std::span<std::string_view const> types) override;
  Result<std::string> Shared(std::uint32_t twin, std::string_view type,
                             std::string_view name) override;
  Result<std::string> Current(std::string_view workload_id) override {
    return kernel_.Current(workload_id);
  }
  Result<std::vector<std::pair<std::string, std::string>>> Known() override {
    return kernel_.Known();
  }
  Result<std::string> Contract(std::uint64_t contract) override;
  Result<std::string> Twin(std::uint32_t twin) override;
  Result<std::string> NameOwner(std::string_view name) override;
  bool NodeRented(std::uint32_t twin) override;
  Result<void> ReportFailed(std::string_view workload_id, std::string_view reason) override;
  Result<void> ReportObserved(std::string_view workload_id, std::int32_t state,
                              std::string_view detail) override;
  Result<std::string> KvGet(std::string_view plugin, std::string_view key) override {
    return kernel_.KvGet(plugin, key);
  }
  Result<void> KvPut(std::string_view plugin, std::string_view key,
                     std::string_view value) override {
    return kernel_.KvPut(plugin, key, value);
  }
  Result<void> KvRemove(std::string_view plugin, std::string_view key) override {
    return kernel_.KvRemove(plugin, key);
  }
  Result<std::vector<std::string>> KvList(std::string_view plugin,
                                          std::string_view prefix) override {
    return kernel_.KvList(plugin, prefix);
  }

 private:
  KernelServices& kernel_;
  Need const need_;
};

}  // namespace trellis::plugin
