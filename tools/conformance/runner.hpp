// Runs one check in a process of its own: whatever the plugin does to it costs this check only.
#pragma once

#include "tools/conformance/check.hpp"

#include <string>

namespace trellis::conformance {

struct Verdict {
  bool ok = false;
  std::string did;
  std::string wants;
};

Verdict Run(Check const& check, Setting const& setting);

}  // namespace trellis::conformance
