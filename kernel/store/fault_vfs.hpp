// Test builds only: a SQLite VFS that knows which bytes would survive a power loss.
//
// With TRELLIS_FAULT_VFS=<folder> every database goes through it. The real file behaves as always;
// beside it `<folder>/<file name>` holds what was synced, byte for byte. After the processes were
// killed, tests/crash/power.py puts these durable images in the place of the files. While
// `<folder>/<file name>.full` exists, every write to that database fails as on a full disk.
#pragma once

namespace trellis::store {

#ifdef TRELLIS_FAIL_POINTS
/// Name of the VFS for sqlite3_open_v2, registered at the first call; null without the variable.
char const* VfsName();
#else
constexpr char const* VfsName() {
  return nullptr;
}
#endif

}  // namespace trellis::store
