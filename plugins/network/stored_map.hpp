// Values by key that survive the plugin. Not thread-safe.
#pragma once

#include <trellis/sdk.hpp>

#include <map>
#include <string>

namespace trellis::plugins::network {

/// Kept in the plugin's store as JSON, each below `prefix`.
template <class T>
class StoredMap {
 public:
  StoredMap(Host host, std::string prefix) : host_(host), prefix_(std::move(prefix)) {}

  /// Reads the store; call before everything else.
  Result<void> Load() {
    TRELLIS_TRY(auto const keys, host_.StoreList(prefix_));
    for (auto const& key : keys) {
      TRELLIS_TRY(auto const text, host_.StoreGet(key));
      TRELLIS_TRY(auto value, json::Parse<T>(text));
      all_[key.substr(prefix_.size())] = std::move(value);
    }
    return {};
  }
  /// Durable when the call returns.
  Result<void> Put(std::string const& key, T value) {
    TRELLIS_CHECK(host_.StorePut(prefix_ + key, json::Dump(value)));
    all_[key] = std::move(value);
    return {};
  }
  /// OK when unknown.
  Result<void> Remove(std::string const& key) {
    if (!all_.contains(key)) return {};
    TRELLIS_CHECK(host_.StoreRemove(prefix_ + key));
    all_.erase(key);
    return {};
  }
  /// nullptr when unknown; borrowed until the next change.
  [[nodiscard]] T const* Find(std::string const& key) const {
    auto const found = all_.find(key);
    return found == all_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] std::map<std::string, T> const& all() const { return all_; }

 private:
  Host host_;
  std::string prefix_;
  std::map<std::string, T> all_;
};

}  // namespace trellis::plugins::network
