// The trl_host that one plugin sees, and what the plugin registered through it. Lives where the
// plugin's code runs.
#pragma once

#include "kernel/plugin/host_backend.hpp"
#include "kernel/plugin/log_budget.hpp"
#include "kernel/plugin/plugin_queue.hpp"
#include "kernel/plugin/text.hpp"

#include <trellis/abi.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugin {

/// What a trl_call's host_data points to while the call runs.
struct CallState {
  explicit CallState(CallInfo const& info);
  CallInfo info;
  trl_call raw;
};

/// Registered code of a plugin.
struct TypeCode {
  trl_type_ops ops;  ///< NULL behind the size the plugin was built with
  void* self;
};
struct ServiceCode {
  trl_service_fn run;
  void* self;
};
struct CommandCode {
  trl_command_fn run;
  void* self;
};
struct ProviderCode {
  trl_provider_fn run;
  void* self;
};

/// One plugin's side of the host. The tables live as long as this object.
class HostTable {
 public:
  explicit HostTable(HostBackend& backend);
  HostTable(HostTable const&) = delete;
  HostTable& operator=(HostTable const&) = delete;

  [[nodiscard]] trl_host const* table() const { return &table_; }
  /// Registrations are taken only between these two.
  void OpenRegistration() { creating_ = true; }
  void CloseRegistration() { creating_ = false; }
  /// The first registration that was refused, which fails the plugin whatever its create answers.
  [[nodiscard]] std::string refused() const;
  /// From now on every host function answers TRL_UNAVAILABLE; events and tasks have ended.
  void Shut();

  void DeliverEvent(std::string_view topic, std::string_view payload);

  // Fixed once registration is closed.
  [[nodiscard]] TypeCode const* Type(std::string_view name) const;
  [[nodiscard]] ServiceCode const* Service(std::string_view id) const;
  [[nodiscard]] CommandCode const* Command(std::string_view name) const;
  [[nodiscard]] ProviderCode const* Provider(std::string_view kind, std::string_view name) const;

 private:
  friend struct HostFunctions;
  friend struct Registrations;
  friend struct ServedFunctions;
  friend struct KernelFunctions;
  struct Subscription {
    std::string prefix;
    trl_event_fn run;
    void* self;
  };

  HostBackend& backend_;
  trl_host table_;
  std::atomic<bool> creating_ = false;
  std::atomic<bool> shut_ = false;
  PluginQueue queue_;
  mutable std::mutex mutex_;  // guards refused_ and subscriptions_
  std::string refused_;
  std::vector<Subscription> subscriptions_;
  LogBudget log_budget_;
  std::map<std::string, TypeCode, std::less<>> types_;
  std::map<std::string, ServiceCode, std::less<>> services_;
  std::map<std::string, CommandCode, std::less<>> commands_;
  std::map<std::string, ProviderCode, std::less<>> providers_;  ///< key "<kind> <name>"
};

/// What `call` stands for: its own members, and the state behind host_data if the host made it.
/// kAbi when it is too small.
Result<CallInfo> ReadCall(trl_call const* call);
/// Writes the error to `err` and answers its status.
trl_status Refuse(trl_sink err, Error const& error);

/// Runs a host function's body; what it throws (out of memory) becomes TRL_FAULT.
template <class Body>
trl_status Guarded(trl_sink err, Body&& body) noexcept {
  try {
    return body();
  } catch (std::exception const& e) {
    abi::Write(err, e.what());
  } catch (...) {
    abi::Write(err, "unknown exception");
  }
  return TRL_FAULT;
}

/// The extension tables, by their id; NULL when there is none.
[[nodiscard]] void const* ServedExtension(std::string_view id);
[[nodiscard]] void const* KernelExtension(std::string_view id);

}  // namespace trellis::plugin
