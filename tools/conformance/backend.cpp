#include "tools/conformance/backend.hpp"

namespace trellis::conformance {

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
