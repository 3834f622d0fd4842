#include "tools/conformance/backend.hpp"

namespace trellis::conformance {

Result<std::string> MemoryStore::KvGet(std::string_view, std::string_view key) {
  std::lock_guard const lock(mutex_);
  auto const found = values_.find(key);
  if (found == values_.end()) return Fail(Code::kNotFound, "no key '{}'", key);
  return found->second;
}

Result<void> MemoryStore::KvPut(std::string_view, std::string_view key, std::string_view value) {
  std::lock_guard const lock(mutex_);
  values_.insert_or_assign(std::string(key), std::string(value));
  return {};
}

Result<void> MemoryStore::KvRemove(std::string_view, std::string_view key) {
  std::lock_guard const lock(mutex_);
  values_.erase(std::string(key));
  return {};
}

Result<std::vector<std::string>> MemoryStore::KvList(std::string_view, std::string_view prefix) {
  std::vector<std::string> keys;
  std::lock_guard const lock(mutex_);
  for (auto const& [key, value] : values_) {
    if (key.starts_with(prefix)) keys.push_back(key);
  }
  return keys;
}

Result<void> MemoryBackend::AddType(plugin::TypeInfo type) {
  types_.push_back(std::move(type.name));
  return {};
}

Result<plugin::ServiceAnswer> MemoryBackend::CallService(plugin::CallInfo const&,
                                                         std::string_view id,
                                                         std::string_view method, std::string_view,
                                                         std::span<int const>) {
  auto const service = samples_.services.find(std::string(id));
  if (service == samples_.services.end())
    return Fail(Code::kUnavailable, "no plugin provides '{}'", id);
  auto const reply = service->second.find(std::string(method));
  return plugin::ServiceAnswer{reply == service->second.end() ? "{}" : reply->second.text, {}};
}

}  // namespace trellis::conformance
