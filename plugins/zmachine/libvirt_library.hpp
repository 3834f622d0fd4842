// libvirt, opened for the first machine: with it come thirty more libraries and 8 MiB, which a node
// without machines need not carry.
#pragma once

#include <trellis/result.hpp>

namespace trellis::plugins::zmachine {

/// Opens libvirt and finds the functions that libvirt_api.cpp calls; later calls do nothing. Before
/// its first success none of them may be called. kUnavailable: the library is missing or lacks a
/// function. Any thread. The library is never closed (it says so itself: NODELETE).
Result<void> LoadLibvirt();

}  // namespace trellis::plugins::zmachine
