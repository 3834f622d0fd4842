// Block devices: the one with our configuration, and waiting for devices to appear.
#pragma once

#include "plugins/zmachine/guest/init/util.hpp"

#include <chrono>
#include <string>

namespace trellis::guest {

/// The kernel's messages about new devices.
class DeviceEvents {
 public:
  DeviceEvents();
  /// Returns after the next message, or after `limit`.
  void Wait(std::chrono::milliseconds limit) const;

 private:
  Fd socket_;
};

/// `/dev/vdX` of the FAT volume labelled `cidata`; waits up to `limit`, then "".
std::string FindCidata(DeviceEvents const& events, std::chrono::milliseconds limit);

}  // namespace trellis::guest
