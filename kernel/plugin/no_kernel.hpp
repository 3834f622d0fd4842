// A kernel for plugins whose code runs outside a node.
#pragma once

#include "kernel/plugin/kernel_services.hpp"

#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trellis::plugin {

/// Nothing is there. Its errors say `why`.
class NoKernel : public KernelServices {
 public:
  explicit NoKernel(std::string why) : why_(std::move(why)) {}

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
  Result<std::vector<std::pair<std::string, std::string>>> Known() override { return Away(); }
  Result<std::string> Contract(std::uint64_t) override { return Away(); }
  Result<std::string> Twin(std::uint32_t) override { return Away(); }
  Result<std::string> NameOwner(std::string_view) override { return Away(); }
  bool NodeRented(std::uint32_t) override { return false; }
  Result<void> ReportFailed(std::string_view, std::string_view) override { return Away(); }
  Result<void> ReportObserved(std::string_view, std::int32_t, std::string_view) override {
    return Away();
  }
  Result<std::string> KvGet(std::string_view, std::string_view) override { return Away(); }
  Result<void> KvPut(std::string_view, std::string_view, std::string_view) override {
    return Away();
  }
  Result<void> KvRemove(std::string_view, std::string_view) override { return Away(); }
  Result<std::vector<std::string>> KvList(std::string_view, std::string_view) override {
    return Away();
  }

 private:
  [[nodiscard]] tl::unexpected<Error> Away() const { return Fail(Code::kUnavailable, "{}", why_); }
  std::string const why_;
};

/// Keeps the key-value store in memory and takes reports; everything else is away. Thread-safe.
class MemoryKernel : public NoKernel {
 public:
  using NoKernel::NoKernel;

  Result<void> ReportFailed(std::string_view, std::string_view) override { return {}; }
  Result<void> ReportObserved(std::string_view, std::int32_t, std::string_view) override {
    return {};
  }
  Result<std::string> KvGet(std::string_view plugin, std::string_view key) override {
    std::lock_guard const lock(mutex_);
    auto const found = values_.find(KeyOf(plugin, key));
    if (found == values_.end()) return Fail(Code::kNotFound, "no key '{}'", key);
    return found->second;
  }
  Result<void> KvPut(std::string_view plugin, std::string_view key,
                     std::string_view value) override {
    std::lock_guard const lock(mutex_);
    values_[KeyOf(plugin, key)] = value;
    return {};
  }
  Result<void> KvRemove(std::string_view plugin, std::string_view key) override {
    std::lock_guard const lock(mutex_);
    values_.erase(KeyOf(plugin, key));
    return {};
  }
  Result<std::vector<std::string>> KvList(std::string_view plugin,
                                          std::string_view prefix) override {
    std::vector<std::string> keys;
    std::lock_guard const lock(mutex_);
    for (auto const& [key, value] : values_) {
      if (key.first == plugin && key.second.starts_with(prefix)) keys.push_back(key.second);
    }
    return keys;
  }

 private:
  using Key = std::pair<std::string, std::string>;
  static Key KeyOf(std::string_view plugin, std::string_view key) {
    return {std::string(plugin), std::string(key)};
  }

  std::mutex mutex_;  // guards values_
  std::map<Key, std::string> values_;
};

}  // namespace trellis::plugin
