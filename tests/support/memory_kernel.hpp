// A kernel for plugins that has no store and no ledger behind it.
#pragma once

#include "kernel/plugin/kernel_services.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trellis::plugin {

/// Keeps the key-value store; everything else is away.
class MemoryKernel final : public KernelServices {
 public:
  Result<std::string> DeploymentInfo(std::uint32_t, std::uint64_t) override { return Away(); }
  Result<std::string> Workload(std::uint32_t, std::uint64_t, std::string_view) override {
    return Away();
  }
  Result<std::string> WorkloadsByType(std::uint32_t, std::uint64_t,
                                      std::span<std::string_view const>) override {
    return Away();
  }
  Result<std::string> Shared(std::uint32_t, std::string_view, std::string_view) override {
    return Away();
  }
  Result<std::string> Current(std::string_view) override { return Away(); }
  Result<std::vector<std::pair<std::string, std::string>>> Known() override { return known; }
  std::vector<std::pair<std::string, std::string>> known;
  Result<std::string> Contract(std::uint64_t) override { return Away(); }
  Result<std::string> Twin(std::uint32_t) override { return Away(); }
  Result<std::string> NameOwner(std::string_view) override { return Away(); }
  bool NodeRented(std::uint32_t) override { return false; }
  Result<void> ReportFailed(std::string_view, std::string_view) override { return {}; }
  Result<void> ReportObserved(std::string_view, std::int32_t, std::string_view) override {
    return {};
  }
  Result<std::string> KvGet(std::string_view plugin, std::string_view key) override {
    auto const found = kv_.find({std::string(plugin), std::string(key)});
    if (found == kv_.end()) return Fail(Code::kNotFound, "no key '{}'", key);
    return found->second;
  }
  Result<void> KvPut(std::string_view plugin, std::string_view key,
                     std::string_view value) override {
    kv_[{std::string(plugin), std::string(key)}] = value;
    return {};
  }
  Result<void> KvRemove(std::string_view plugin, std::string_view key) override {
    kv_.erase({std::string(plugin), std::string(key)});
    return {};
  }
  Result<std::vector<std::string>> KvList(std::string_view plugin,
                                          std::string_view prefix) override {
    std::vector<std::string> keys;
    for (auto const& [key, value] : kv_) {
      if (key.first == plugin && key.second.starts_with(prefix)) keys.push_back(key.second);
    }
    return keys;
  }

 private:
  static tl::unexpected<Error> Away() { return Fail(Code::kUnavailable, "the ledger is away"); }
  std::map<std::pair<std::string, std::string>, std::string> kv_;
};

}  // namespace trellis::plugin
