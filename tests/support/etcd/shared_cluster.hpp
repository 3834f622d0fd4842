// Three members for all cases of a program.
#pragma once

#include "tests/support/etcd/etcd_cluster.hpp"

namespace trellis::ledger {

/// Runs from before the first case to after the last; a case that kills a member restarts it.
EtcdCluster& SharedCluster();

}  // namespace trellis::ledger
