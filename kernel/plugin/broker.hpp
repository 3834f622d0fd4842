// Carries service calls from one plugin, or the kernel, to the plugin that offers the service.
#pragma once

#include "kernel/plugin/directory.hpp"
#include "kernel/plugin/registry.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugin {

/// Safe for use by several threads.
class Broker {
 public:
  Broker(Directory& directory, Registry const& registry)
      : directory_(directory), registry_(registry) {}

  /// `caller` nullptr = the kernel, which may call everything. The nested call inherits identity,
  /// deadline and cancellation of `call`. kDenied when the caller's manifest does not list the
  /// service, kUnavailable when it is not running, kTimeout at the deadline. `fds` are borrowed.
  Result<ServiceAnswer> Call(CallInfo call, PluginRecord const* caller, std::string_view id,
                             std::string_view method, std::string_view request,
                             std::span<int const> fds);
  /// `reconcile{owners}` on every service that offers it. Failures are logged.
  void Reconcile(std::vector<std::string> const& owners);

 private:
  /// The running plugin that offers the service, with the call admitted to it.
  Result<PluginRecord*> Admit(CallInfo& call, PluginRecord const* caller, std::string_view id);

  Directory& directory_;
  Registry const& registry_;
};

}  // namespace trellis::plugin
