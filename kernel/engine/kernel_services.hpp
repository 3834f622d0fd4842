// plugin::KernelServices over the store and the ledger.
#pragma once

#include "kernel/base/clock.hpp"
#include "kernel/ledger/ledger.hpp"
#include "kernel/plugin/kernel_services.hpp"
#include "kernel/store/readers.hpp"
#include "kernel/store/records.hpp"
#include "kernel/store/writer.hpp"

#include <atomic>
#include <functional>
#include <mutex>

namespace trellis::engine {

/// Stored state for plugins, as it is when everything handed to the store is there: a step sees
/// what the steps before it came to. Made before the plugins and the engine; the engine connects
/// itself for reports.
class KernelServicesOverStore final : public plugin::KernelServices {
 public:
  /// What a monitor reports: a workload failed for good, or looks different from what is stored.
  using FailSink = std::function<Result<void>(std::string_view id, std::string_view reason)>;
  using ObservedSink =
      std::function<Result<void>(std::string_view id, std::int32_t state, std::string_view detail)>;

  KernelServicesOverStore(store::Writer& writer, store::Readers& readers, ledger::Ledger& ledger,
                          std::uint32_t node)
      : writer_(&writer), readers_(&readers), ledger_(&ledger), node_(node) {}

  /// Empty functions disconnect: reports then answer kUnavailable and the monitor tells again.
  void Connect(FailSink fail, ObservedSink observed);

  Result<std::string> DeploymentInfo(std::uint32_t twin, std::uint64_t contract) override;
  Result<std::string> Workload(std::uint32_t twin, std::uint64_t contract,
                               std::string_view name) override;
  Result<std::string> WorkloadsByType(std::uint32_t twin, std::uint64_t contract,
                                      std::span<std::string_view const> types) override;
  Result<std::string> Shared(std::uint32_t twin, std::string_view type,
                             std::string_view name) override;
  Result<std::string> Current(std::string_view workload_id) override;
  Result<std::vector<std::pair<std::string, std::string>>> Known() override;
  Result<std::string> Contract(std::uint64_t contract) override;
  Result<std::string> Twin(std::uint32_t twin) override;
  Result<std::string> NameOwner(std::string_view name) override;
  bool NodeRented(std::uint32_t twin) override;
  Result<void> ReportFailed(std::string_view workload_id, std::string_view reason) override;
  Result<void> ReportObserved(std::string_view workload_id, std::int32_t state,
                              std::string_view detail) override;
  Result<std::string> KvGet(std::string_view plugin, std::string_view key) override;
  Result<void> KvPut(std::string_view plugin, std::string_view key,
                     std::string_view value) override;
  Result<void> KvRemove(std::string_view plugin, std::string_view key) override;
  Result<std::vector<std::string>> KvList(std::string_view plugin,
                                          std::string_view prefix) override;

 private:
  store::Writer* writer_;
  store::Readers* readers_;
  ledger::Ledger* ledger_;
  std::uint32_t node_;
  std::mutex mutex_;  // guards the sinks
  FailSink fail_;
  ObservedSink observed_;
};

}  // namespace trellis::engine
