// A SQLite VFS that writes the pages of a commit to the write-ahead log with one call instead of
// two for each page.
#pragma once

namespace trellis::store {

/// Name of the VFS for sqlite3_open_v2, registered at the first call over the VFS named `below`
/// (null: SQLite's default). For databases with synchronous=FULL only. Null when it cannot be
/// registered.
char const* GatherVfs(char const* below);

}  // namespace trellis::store
