// trellis.vm.machine/1: what other plugins and the CLI may know of a machine.
#pragma once

#include <trellis/host.hpp>

namespace trellis::services {

inline constexpr char const* kVmMachine = "trellis.vm.machine/1";

/// inspect{id}; log_source{id} -> {path} with descriptors of the log's directory and file.
/// kNotFound.
struct MachineRequest {
  std::string id;
};
BOOST_DESCRIBE_STRUCT(MachineRequest, (), (id))
struct MachineInfo {
  std::string state;  ///< running|paused|absent|failed
  std::int32_t pid = 0;
  std::string network;
  std::string console;  ///< path of the console's unix socket
};
BOOST_DESCRIBE_STRUCT(MachineInfo, (), (state, pid, network, console))
struct MachineLog {
  std::string path;
};
BOOST_DESCRIBE_STRUCT(MachineLog, (), (path))

}  // namespace trellis::services
