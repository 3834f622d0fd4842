// Kernel modules from the initramfs.
#pragma once

#include "plugins/zmachine/guest/init/util.hpp"

#include <string>

namespace trellis::guest {

/// The folder /mod; stays usable after the root was switched.
class ModuleStore {
 public:
  ModuleStore();
  /// Loads the modules that /mod/<list> names, in that order. Missing lists and modules that are
  /// already there are fine; other failures are logged.
  void Load(std::string const& list) const;
  /// Deletes the files, which give their memory back.
  void Discard() const;

 private:
  Fd folder_;
};

}  // namespace trellis::guest
