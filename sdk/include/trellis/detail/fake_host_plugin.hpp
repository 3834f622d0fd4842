// What one loaded plugin registered, and the C tables that FakeHost offers it. Not for authors.
#pragma once

#include <trellis/testing.hpp>

#include <map>
#include <string>
#include <vector>

namespace trellis::testing {

struct LoadedPlugin {
  struct Type {
    trl_type_ops const* ops = nullptr;
    void* self = nullptr;
    std::uint32_t rank = 0;
  };
  struct ServiceEntry {
    trl_service_fn fn = nullptr;
    void* self = nullptr;
  };
  struct CommandEntry {
    trl_command_fn fn = nullptr;
    void* self = nullptr;
  };
  struct ProviderEntry {
    std::string kind;
    std::string name;
    trl_provider_fn fn = nullptr;
    void* self = nullptr;
  };
  struct Subscription {
    std::string prefix;
    trl_event_fn fn = nullptr;
    void* self = nullptr;
  };
  struct Task {
    trl_task_fn fn = nullptr;
    void* self = nullptr;
    bool periodic = false;
  };

  FakeHost* owner = nullptr;
  std::string name;
  trl_plugin const* descriptor = nullptr;
  void* self = nullptr;
  bool creating = false;
  trl_host host{};
  std::map<std::string, Type, std::less<>> types;
  std::map<std::string, ServiceEntry, std::less<>> services;
  std::map<std::string, CommandEntry, std::less<>> commands;
  std::vector<ProviderEntry> providers;
  std::vector<Subscription> subscriptions;
  std::map<std::uint64_t, Task> tasks;
  std::uint64_t next_task = 1;
};

/// Fills the host table of `plugin`.
struct FakeHostTables {
  static void Fill(LoadedPlugin& plugin);
  struct Functions;  // the C functions; nested, so that FakeHost's friendship covers them
};

/// A trl_call as `options` say.
trl_call MakeCall(CallOptions const& options);

}  // namespace trellis::testing
