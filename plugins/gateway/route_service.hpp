// The service trellis.proxy.route/1 over the same routes.
#pragma once

#include "plugins/gateway/gateway.hpp"

namespace trellis::plugins::gateway {

/// `gateway` is borrowed as long as the table is used.
ServiceTable RouteMethods(Gateway& gateway);

}  // namespace trellis::plugins::gateway
