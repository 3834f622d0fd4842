#include "kernel/store/gather_vfs.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <new>
#include <string>

namespace trellis::store {
namespace {

// Only the write-ahead log is gathered. With synchronous=FULL every commit syncs the log before
// other connections are told of its pages, so nobody can look for bytes that are still here. Pages
// of the database itself are not: a checkpoint tells others of them before it syncs.
constexpr char const* kName = "trellis-gather";
constexpr std::size_t kMaxPending = std::size_t{256} << 10;
constexpr std::size_t kMaxWrite = std::size_t{64} << 10;  // SQLite's files take below 128 KiB

/// SQLite allocates it in front of the real file's memory.
struct File {
  sqlite3_file base{};
  sqlite3_file* real = nullptr;
  std::string* pending = nullptr;  // owned; made by the first write
  sqlite3_int64 at = 0;            // where `pending` belongs
};

File& Self(sqlite3_file* file) {
  return *reinterpret_cast<File*>(file);
}
sqlite3_io_methods const& Real(sqlite3_file* file) {
  return *Self(file).real->pMethods;
}

/// What fails here was acknowledged to SQLite, but not yet used: pages count from the sync on, and
/// the transaction they belong to gets the error from there at the latest.
int Flush(sqlite3_file* file) {
  auto& self = Self(file);
  if (self.pending == nullptr) return SQLITE_OK;
  int status = SQLITE_OK;
  for (std::size_t done = 0; done < self.pending->size() && status == SQLITE_OK;) {
    auto const size = std::min(kMaxWrite, self.pending->size() - done);
    status = Real(file).xWrite(self.real, self.pending->data() + done, static_cast<int>(size),
                               self.at + static_cast<sqlite3_int64>(done));
    done += size;
  }
  self.pending->clear();
  if (self.pending->capacity() > kMaxPending) self.pending->shrink_to_fit();
  return status;
}

int Close(sqlite3_file* file) {
  auto& self = Self(file);
  (void)Flush(file);  // SQLite closes after a sync, or after an error it knows
  delete self.pending;
  self.pending = nullptr;
  return Real(file).xClose(self.real);
}

int Read(sqlite3_file* file, void* out, int size, sqlite3_int64 at) {
  int const status = Flush(file);
  return status != SQLITE_OK ? status : Real(file).xRead(Self(file).real, out, size, at);
}

int Write(sqlite3_file* file, void const* data, int size, sqlite3_int64 at) {
  auto& self = Self(file);
  if (self.pending == nullptr) {
    self.pending = new (std::nothrow) std::string;
    if (self.pending == nullptr) return SQLITE_NOMEM;
  }
  bool const next = at == self.at + static_cast<sqlite3_int64>(self.pending->size()) &&
                    self.pending->size() < kMaxPending;
  if (!next) {
    if (int const status = Flush(file); status != SQLITE_OK) return status;
    self.at = at;
  }
  try {
    self.pending->append(static_cast<char const*>(data), static_cast<std::size_t>(size));
  } catch (std::bad_alloc const&) {
    return SQLITE_IOERR_NOMEM;
  }
  return SQLITE_OK;
}

int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  int const status = Flush(file);
  return status != SQLITE_OK ? status : Real(file).xTruncate(Self(file).real, size);
}
int Sync(sqlite3_file* file, int flags) {
  int const status = Flush(file);
  return status != SQLITE_OK ? status : Real(file).xSync(Self(file).real, flags);
}
int FileSize(sqlite3_file* file, sqlite3_int64* size) {
  int const status = Flush(file);
  return status != SQLITE_OK ? status : Real(file).xFileSize(Self(file).real, size);
}
int NoLock(sqlite3_file*, int) {
  return SQLITE_OK;
}
int NotReserved(sqlite3_file*, int* out) {
  *out = 0;
  return SQLITE_OK;
}
int FileControl(sqlite3_file* file, int operation, void* argument) {
  return Real(file).xFileControl(Self(file).real, operation, argument);
}
int SectorSize(sqlite3_file* file) {
  return Real(file).xSectorSize(Self(file).real);
}
int DeviceCharacteristics(sqlite3_file* file) {
  return Real(file).xDeviceCharacteristics(Self(file).real);
}
// Nobody locks or shares a log: version 1 has no more than these.
constexpr sqlite3_io_methods kMethods = {1,
                                         Close,
                                         Read,
                                         Write,
                                         Truncate,
                                         Sync,
                                         FileSize,
                                         NoLock,
                                         NoLock,
                                         NotReserved,
                                         FileControl,
                                         SectorSize,
                                         DeviceCharacteristics,
                                         nullptr,
                                         nullptr,
                                         nullptr,
                                         nullptr,
                                         nullptr,
                                         nullptr};

sqlite3_vfs* Below(sqlite3_vfs* vfs) {
  return static_cast<sqlite3_vfs*>(vfs->pAppData);
}

int Open(sqlite3_vfs* vfs, char const* name, sqlite3_file* file, int flags, int* out_flags) {
  if ((flags & SQLITE_OPEN_WAL) == 0)
    return Below(vfs)->xOpen(Below(vfs), name, file, flags, out_flags);
  auto* made = new (file) File;
  made->real = reinterpret_cast<sqlite3_file*>(made + 1);
  int const status = Below(vfs)->xOpen(Below(vfs), name, made->real, flags, out_flags);
  if (made->real->pMethods != nullptr) file->pMethods = &kMethods;
  return status;
}

}  // namespace

char const* GatherVfs(char const* below) {
  static bool const registered = [below] {
    auto* const real = ::sqlite3_vfs_find(below);
    if (real == nullptr) return false;
    static sqlite3_vfs vfs = *real;
    vfs.pAppData = real;
    vfs.szOsFile = real->szOsFile + static_cast<int>(sizeof(File));
    vfs.zName = kName;
    vfs.pNext = nullptr;
    vfs.xOpen = Open;
    return ::sqlite3_vfs_register(&vfs, /*makeDflt=*/0) == SQLITE_OK;
  }();
  return registered ? kName : nullptr;
}

}  // namespace trellis::store
