// libvirt behind the Hypervisor interface. The only file that calls the library is libvirt_api.cpp.
#pragma once

#include "plugins/zmachine/hypervisor.hpp"

#include <memory>
#include <string>

namespace trellis::plugins::zmachine {

struct LibvirtOptions {
  std::string uri;      ///< qemu:///system or qemu:///embed?root=<dir>
  std::string pid_dir;  ///< where the driver keeps pid files
};

/// Does nothing until the first use: that starts the event loop thread (name `vm-events`) and
/// connects. Events come on that thread: the handler must only enqueue. The object's end ends the
/// loop; machines go on.
std::unique_ptr<Hypervisor> MakeLibvirt(LibvirtOptions options, Hypervisor::EventHandler on_event);

}  // namespace trellis::plugins::zmachine
