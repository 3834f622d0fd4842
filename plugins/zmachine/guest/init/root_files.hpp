// Files that /init writes into the machine's root.
#pragma once

#include "plugins/zmachine/guest/init/seed.hpp"

namespace trellis::guest {

/// /etc/resolv.conf, /etc/hosts (if absent), root's authorized keys. Works on the current root.
void WriteRootFiles(Seed const& seed);

/// Runs the image's ssh-keygen when it has one and no host keys are there.
void MakeSshHostKeys();

}  // namespace trellis::guest
