// Memory of this process that it does not need any more. Thread-safe.
#pragma once

namespace trellis::sys {

/// Gives freed memory back to the system, after something big that does not come again soon.
void GiveBackMemory();
/// Gives back what was freed a while ago. For now and then: jemalloc does it while it is asked for
/// memory, and nobody asks in a process that rests. Nothing without jemalloc.
void GiveBackUnused();
/// After a start: also lets go of the pages of the program and its libraries. Most of what a start
/// reads of them is never read again; what is comes back from the page cache, page by page.
void GiveBackStart();

}  // namespace trellis::sys
