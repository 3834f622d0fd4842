// What a streamer gives up before it talks to anybody.
#pragma once

#include <trellis/result.hpp>

namespace trellis::plugins::zlogs {

/// No new programs, no new privileges, no sockets but of IP and unix, no look into its memory by
/// other processes of its user.
Result<void> Confine();

}  // namespace trellis::plugins::zlogs
