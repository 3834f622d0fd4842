// What plugins may ask of the kernel (the extensions' kernel half). The engine implements it over
// the store.
#pragma once

#include <trellis/result.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trellis::plugin {

/// Bodies are the JSON of the plugin ABI's extension table. Safe for use by several threads.
class KernelServices {
 public:
  virtual ~KernelServices() = default;

  // trellis.deployment/1, stored current state
  virtual Result<std::string> DeploymentInfo(std::uint32_t twin, std::uint64_t contract) = 0;
  virtual Result<std::string> Workload(std::uint32_t twin, std::uint64_t contract,
                                       std::string_view name) = 0;
  /// contract 0: all active deployments of `twin`; also twin 0: of every twin.
  virtual Result<std::string> WorkloadsByType(std::uint32_t twin, std::uint64_t contract,
                                              std::span<std::string_view const> types) = 0;
  virtual Result<std::string> Shared(std::uint32_t twin, std::string_view type,
                                     std::string_view name) = 0;
  virtual Result<std::string> Current(std::string_view workload_id) = 0;

  /// Ids and types of all stored workloads: what `recovered` and `reconcile` are told.
  virtual Result<std::vector<std::pair<std::string, std::string>>> Known() = 0;

  // trellis.contract/1; kUnavailable when the ledger is away
  virtual Result<std::string> Contract(std::uint64_t contract) = 0;
  virtual Result<std::string> Twin(std::uint32_t twin) = 0;
  virtual Result<std::string> NameOwner(std::string_view name) = 0;
  virtual bool NodeRented(std::uint32_t twin) = 0;

  // trellis.engine/1: durable and asynchronous
  virtual Result<void> ReportFailed(std::string_view workload_id, std::string_view reason) = 0;
  virtual Result<void> ReportObserved(std::string_view workload_id, std::int32_t state,
                                      std::string_view detail) = 0;

  // trellis.store/1
  virtual Result<std::string> KvGet(std::string_view plugin, std::string_view key) = 0;
  virtual Result<void> KvPut(std::string_view plugin, std::string_view key,
                             std::string_view value) = 0;
  virtual Result<void> KvRemove(std::string_view plugin, std::string_view key) = 0;
  virtual Result<std::vector<std::string>> KvList(std::string_view plugin,
                                                  std::string_view prefix) = 0;
};

}  // namespace trellis::plugin
