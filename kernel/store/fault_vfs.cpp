#include "kernel/store/fault_vfs.hpp"

#ifdef TRELLIS_FAIL_POINTS

#include "kernel/sys/fd.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace trellis::store {
namespace {

constexpr char const* kName = "trellis-fault";
constexpr char const* kFull = ".full";
constexpr std::size_t kChunk = std::size_t{64} << 10U;

/// The folder of durable images, "" when nobody asked for them.
std::string const& Folder() {
  static std::string const folder = [] {
    char const* const text = ::getenv("TRELLIS_FAULT_VFS");
    return std::string(text == nullptr ? "" : text);
  }();
  return folder;
}

/// `trellis.db` for itself, its log and its journal.
std::string DatabaseOf(std::string const& name) {
  for (std::string_view const end : {"-wal", "-journal"}) {
    if (name.ends_with(end)) return name.substr(0, name.size() - end.size());
  }
  return name;
}

/// What this process wrote to one file since its last sync. All its connections share it.
class Image {
 public:
  explicit Image(std::string const& path)
      : live_folder_(std::filesystem::path(path).parent_path()),
        path_(std::filesystem::path(Folder()) / std::filesystem::path(path).filename()),
        full_(path_.parent_path() / (DatabaseOf(path_.filename().string()) + kFull)) {}

  [[nodiscard]] bool full() const { return ::access(full_.c_str(), F_OK) == 0; }
  void Wrote(sqlite3_int64 offset, int size) {
    std::lock_guard const lock(mutex_);
    if (!dirty_.empty() && dirty_.back().first + dirty_.back().second == offset) {
      dirty_.back().second += size;
    } else {
      dirty_.emplace_back(offset, size);
    }
  }
  /// A new file under the name: what was durable stays so until the new one is synced. The first
  /// sync of a journal then syncs the folder too.
  void Recreated(bool journal) {
    std::lock_guard const lock(mutex_);
    whole_ = true;
    sync_folder_ = journal;
  }
  void Deleted(bool durably) {
    std::lock_guard const lock(mutex_);
    whole_ = true;
    if (durably) (void)::unlink(path_.c_str());
  }
  /// Makes what was written durable. The lock keeps two processes from putting back each other's
  /// older bytes.
  int Sync(sqlite3_file* real) {
    std::lock_guard const lock(mutex_);
    sys::UniqueFd const out(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    sqlite3_int64 size = 0;
    if (!out.valid() || ::flock(out.get(), LOCK_EX) != 0 ||
        real->pMethods->xFileSize(real, &size) != SQLITE_OK)
      return SQLITE_IOERR_FSYNC;
    if (::lseek(out.get(), 0, SEEK_END) == 0) whole_ = true;
    if (whole_) dirty_.assign(1, {0, size});
    for (auto const& [offset, length] : dirty_) {
      if (!Copy(real, out.get(), offset, std::min(length, size - offset)))
        return SQLITE_IOERR_FSYNC;
    }
    if (::ftruncate(out.get(), size) != 0) return SQLITE_IOERR_FSYNC;
    dirty_.clear();
    whole_ = false;
    if (std::exchange(sync_folder_, false)) ForgetDeleted();
    return SQLITE_OK;
  }

 private:
  /// The folder was synced: what is deleted there stays deleted.
  void ForgetDeleted() const {
    std::error_code ignored;
    for (auto const& entry : std::filesystem::directory_iterator(path_.parent_path(), ignored)) {
      if (entry.path().extension() != kFull &&
          !std::filesystem::exists(live_folder_ / entry.path().filename(), ignored))
        std::filesystem::remove(entry.path(), ignored);
    }
  }

  static bool Copy(sqlite3_file* real, int out, sqlite3_int64 offset, sqlite3_int64 length) {
    std::vector<char> buffer(kChunk);
    while (length > 0) {
      auto const part = std::min<sqlite3_int64>(length, kChunk);
      int const got = real->pMethods->xRead(real, buffer.data(), static_cast<int>(part), offset);
      if (got != SQLITE_OK && got != SQLITE_IOERR_SHORT_READ) return false;
      if (::pwrite(out, buffer.data(), static_cast<std::size_t>(part), offset) != part)
        return false;
      offset += part;
      length -= part;
    }
    return true;
  }

  std::filesystem::path live_folder_;
  std::filesystem::path path_;
  std::filesystem::path full_;
  std::mutex mutex_;  // guards the rest
  std::vector<std::pair<sqlite3_int64, sqlite3_int64>> dirty_;
  bool sync_folder_ = false;
  bool whole_ = true;  ///< at first this process does not know what others wrote
};

Image& ImageOf(std::string const& path) {
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<Image>> images;
  std::lock_guard const lock(mutex);
  auto& image = images[path];
  if (image == nullptr) image = std::make_unique<Image>(path);
  return *image;
}

sqlite3_vfs* Below(sqlite3_vfs* vfs) {
  return static_cast<sqlite3_vfs*>(vfs->pAppData);
}

/// An open file; the one of the VFS below follows in memory.
struct File {
  sqlite3_file base;
  Image* image;  ///< null for files that do not outlive a power loss anyway

  [[nodiscard]] sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

sqlite3_file* Real(sqlite3_file* file) {
  return reinterpret_cast<File*>(file)->real();
}
Image* ImageOf(sqlite3_file* file) {
  return reinterpret_cast<File*>(file)->image;
}

int Close(sqlite3_file* file) {
  return Real(file)->pMethods->xClose(Real(file));
}
int Read(sqlite3_file* file, void* data, int size, sqlite3_int64 offset) {
  return Real(file)->pMethods->xRead(Real(file), data, size, offset);
}
int Write(sqlite3_file* file, void const* data, int size, sqlite3_int64 offset) {
  if (ImageOf(file) != nullptr && ImageOf(file)->full()) return SQLITE_FULL;
  int const status = Real(file)->pMethods->xWrite(Real(file), data, size, offset);
  if (status == SQLITE_OK && ImageOf(file) != nullptr) ImageOf(file)->Wrote(offset, size);
  return status;
}
int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  return Real(file)->pMethods->xTruncate(Real(file), size);
}
int Sync(sqlite3_file* file, int flags) {
  if (ImageOf(file) != nullptr) return ImageOf(file)->Sync(Real(file));
  return Real(file)->pMethods->xSync(Real(file), flags);
}
int FileSize(sqlite3_file* file, sqlite3_int64* size) {
  return Real(file)->pMethods->xFileSize(Real(file), size);
}
int Lock(sqlite3_file* file, int level) {
  return Real(file)->pMethods->xLock(Real(file), level);
}
int Unlock(sqlite3_file* file, int level) {
  return Real(file)->pMethods->xUnlock(Real(file), level);
}
int CheckReservedLock(sqlite3_file* file, int* out) {
  return Real(file)->pMethods->xCheckReservedLock(Real(file), out);
}
int FileControl(sqlite3_file* file, int op, void* argument) {
  return Real(file)->pMethods->xFileControl(Real(file), op, argument);
}
int SectorSize(sqlite3_file* file) {
  return Real(file)->pMethods->xSectorSize(Real(file));
}
int DeviceCharacteristics(sqlite3_file* file) {
  return Real(file)->pMethods->xDeviceCharacteristics(Real(file));
}
int ShmMap(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  return Real(file)->pMethods->xShmMap(Real(file), page, size, extend, out);
}
int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
  return Real(file)->pMethods->xShmLock(Real(file), offset, count, flags);
}
void ShmBarrier(sqlite3_file* file) {
  Real(file)->pMethods->xShmBarrier(Real(file));
}
int ShmUnmap(sqlite3_file* file, int remove) {
  return Real(file)->pMethods->xShmUnmap(Real(file), remove);
}
int Fetch(sqlite3_file* file, sqlite3_int64 offset, int size, void** out) {
  return Real(file)->pMethods->xFetch(Real(file), offset, size, out);
}
int Unfetch(sqlite3_file* file, sqlite3_int64 offset, void* page) {
  return Real(file)->pMethods->xUnfetch(Real(file), offset, page);
}

constexpr sqlite3_io_methods kMethods{3,
                                      Close,
                                      Read,
                                      Write,
                                      Truncate,
                                      Sync,
                                      FileSize,
                                      Lock,
                                      Unlock,
                                      CheckReservedLock,
                                      FileControl,
                                      SectorSize,
                                      DeviceCharacteristics,
                                      ShmMap,
                                      ShmLock,
                                      ShmBarrier,
                                      ShmUnmap,
                                      Fetch,
                                      Unfetch};

int Open(sqlite3_vfs* vfs, char const* name, sqlite3_file* file, int flags, int* out_flags) {
  auto* const made = reinterpret_cast<File*>(file);
  made->base.pMethods = nullptr;
  made->image = nullptr;
  constexpr int kKept = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL;
  if (name != nullptr && (flags & kKept) != 0) {
    made->image = &ImageOf(std::string(name));
    if (::access(name, F_OK) != 0) made->image->Recreated((flags & SQLITE_OPEN_MAIN_DB) == 0);
  }
  int const status = Below(vfs)->xOpen(Below(vfs), name, made->real(), flags, out_flags);
  if (made->real()->pMethods != nullptr) made->base.pMethods = &kMethods;
  return status;
}

int Delete(sqlite3_vfs* vfs, char const* name, int sync_folder) {
  int const status = Below(vfs)->xDelete(Below(vfs), name, sync_folder);
  if (status == SQLITE_OK) ImageOf(std::string(name)).Deleted(sync_folder != 0);
  return status;
}

}  // namespace

char const* VfsName() {
  if (Folder().empty()) return nullptr;
  static bool const registered = [] {
    static sqlite3_vfs vfs = *::sqlite3_vfs_find(nullptr);
    vfs.pAppData = ::sqlite3_vfs_find(nullptr);
    vfs.szOsFile += static_cast<int>(sizeof(File));
    vfs.zName = kName;
    vfs.pNext = nullptr;
    vfs.xOpen = Open;
    vfs.xDelete = Delete;
    return ::sqlite3_vfs_register(&vfs, /*makeDflt=*/0) == SQLITE_OK;
  }();
  return registered ? kName : nullptr;
}

}  // namespace trellis::store

#endif
