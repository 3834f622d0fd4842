// What a plugin may declare while it is created.
#pragma once

#include "kernel/plugin/host_table.hpp"

namespace trellis::plugin {

/// Each checks, copies, and tells the backend; a refusal is remembered in the table and fails the
/// plugin.
struct Registrations {
  static trl_status AddType(HostTable& table, trl_type_desc const* desc, trl_sink err);
  static trl_status AddService(HostTable& table, trl_bytes id, ServiceCode code, trl_sink err);
  static trl_status AddCommand(HostTable& table, trl_command const* command, trl_sink err);
  static trl_status AddProvider(HostTable& table, trl_bytes kind, trl_bytes name, trl_bytes options,
                                ProviderCode code, trl_sink err);

 private:
  static Result<void> TryType(HostTable& table, trl_type_desc const* desc);
  static Result<void> TryService(HostTable& table, trl_bytes id, ServiceCode code);
  static Result<void> TryCommand(HostTable& table, trl_command const* command);
  static Result<void> TryProvider(HostTable& table, trl_bytes kind, trl_bytes name,
                                  trl_bytes options, ProviderCode code);
  static trl_status Finish(HostTable& table, Result<void> const& done, trl_sink err);
};

}  // namespace trellis::plugin
