// The start of the engine: what the journal of the daemon before asks for.
#pragma once

#include "kernel/engine/context.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace trellis::engine {

struct Boot {
  std::int64_t generation = 0;  ///< number of this daemon start
  bool rebooted = false;        ///< the machine was started since
  bool crashed = false;         ///< the daemon before died on a machine that is still up
};

/// One commit: notes this start, counts a crash for the steps that were under way, frees what was
/// in quarantine if a plugin is another one now, plans the restores of a reboot.
Result<Boot> Recover(store::Writer& writer, plugin::Plugins const& plugins,
                     std::string const& boot_id, std::int64_t now);

/// The tickets of everything in the journal.
Result<std::vector<Ticket>> LoadTickets(Context const& context);

}  // namespace trellis::engine
