// The guest's network: interfaces found by MAC, addresses, routes.
#pragma once

#include "plugins/zmachine/guest/init/seed.hpp"

namespace trellis::guest {

/// Brings `lo` and every interface of the seed up. A bad item is logged and skipped.
void ConfigureNetwork(Seed const& seed);

}  // namespace trellis::guest
