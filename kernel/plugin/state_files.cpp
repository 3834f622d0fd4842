#include "kernel/plugin/state_files.hpp"

#include "kernel/plugin/stored_state.hpp"
#include "kernel/sys/errors.hpp"
#include "kernel/sys/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>
#include <vector>

namespace trellis::plugin {

namespace fs = std::filesystem;

namespace {

constexpr mode_t kModeBits = 07777;

/// What the state may have, by what a copy does with it.
enum class Kind : std::uint8_t { kFolder, kFile, kLink, kLeftOut };

struct Entry {
  Kind kind = Kind::kLeftOut;
  struct statx facts {};
  [[nodiscard]] mode_t mode() const { return facts.stx_mode & kModeBits; }
};

Result<Entry> Look(fs::path const& path) {
  Entry entry;
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &entry.facts) != 0)
    return sys::Fail("look at", path.native());
  mode_t const mode = entry.facts.stx_mode;
  bool const mounted = (entry.facts.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  if (S_ISDIR(mode) && !mounted) entry.kind = Kind::kFolder;
  if (S_ISREG(mode) && !mounted && entry.facts.stx_size <= kMaxKeptFile) entry.kind = Kind::kFile;
  if (S_ISLNK(mode)) entry.kind = Kind::kLink;
  return entry;
}

/// The entries of a folder; sorted out first, because some may go.
Result<std::vector<std::string>> NamesIn(fs::path const& folder) {
  std::vector<std::string> names;
  std::error_code failed;
  for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed))
    names.push_back(it->path().filename().string());
  if (failed) return Fail(Code::kIo, "read '{}': {}", folder.string(), failed.message());
  return names;
}

Result<void> TakeOwner(Entry const& from, fs::path const& to) {
  if (::lchown(to.c_str(), from.facts.stx_uid, from.facts.stx_gid) != 0)
    return sys::Fail("set owner of", to.native());
  return {};
}

Result<void> Remove(fs::path const& path) {
  if (::remove(path.c_str()) != 0) return sys::Fail("remove", path.native());
  return {};
}

Result<void> CopyLink(fs::path const& from, fs::path const& to) {
  std::error_code failed;
  auto const target = fs::read_symlink(from, failed);
  if (!failed) fs::remove(to, failed);
  if (!failed) fs::create_symlink(target, to, failed);
  if (failed) return Fail(Code::kIo, "link '{}': {}", to.string(), failed.message());
  return {};
}

Result<void> CopyFile(Entry const& entry, fs::path const& from, fs::path const& to) {
  TRELLIS_TRY(auto const content, sys::ReadFile(from, kMaxKeptFile));
  return sys::WriteFileAtomic(to, content, entry.mode());
}

/// Everything below `from` into `to`; `left`: bytes that may still be copied.
// NOLINTNEXTLINE(misc-no-recursion): as deep as the folders
Result<void> CopyTree(fs::path const& from, fs::path const& to, std::uintmax_t& left) {
  TRELLIS_TRY(auto const names, NamesIn(from));
  for (auto const& name : names) {
    TRELLIS_TRY(auto const entry, Look(from / name));
    switch (entry.kind) {
      case Kind::kFolder:
        TRELLIS_CHECK(sys::EnsureDirectory(to / name, entry.mode()));
        TRELLIS_CHECK(CopyTree(from / name, to / name, left));
        break;
      case Kind::kFile:
        if (entry.facts.stx_size > left)
          return Fail(Code::kExhausted, "'{}': the state has more than {} bytes", from.string(),
                      kMaxKept);
        left -= entry.facts.stx_size;
        TRELLIS_CHECK(CopyFile(entry, from / name, to / name));
        break;
      case Kind::kLink:
        TRELLIS_CHECK(CopyLink(from / name, to / name));
        break;
      case Kind::kLeftOut:
        continue;
    }
    TRELLIS_CHECK(TakeOwner(entry, to / name));
  }
  return sys::SyncDirectory(to);
}

/// Removes what `copy` would have, had it been there. True: nothing is left in the folder.
// NOLINTNEXTLINE(misc-no-recursion): as deep as the folders
Result<bool> RemoveNew(fs::path const& folder, fs::path const& copy) {
  bool empty = true;
  TRELLIS_TRY(auto const names, NamesIn(folder));
  for (auto const& name : names) {
    TRELLIS_TRY(auto const entry, Look(folder / name));
    auto const old = Look(copy / name);
    bool const same = old && old->kind == entry.kind;
    bool gone = false;
    if (entry.kind == Kind::kFolder) {
      TRELLIS_TRY(bool const bare, RemoveNew(folder / name, copy / name));
      gone = bare && !same;
    } else {
      gone = entry.kind != Kind::kLeftOut && !same;
    }
    if (gone) TRELLIS_CHECK(Remove(folder / name));
    empty = empty && gone;
  }
  return empty;
}

}  // namespace

Result<void> CopyStateFiles(fs::path const& from, fs::path const& to) {
  TRELLIS_CHECK(sys::EnsureDirectory(to, sys::kPrivateDirectory));
  auto left = kMaxKept;
  return CopyTree(from, to, left);
}

Result<void> RestoreStateFiles(fs::path const& from, fs::path const& to) {
  TRELLIS_CHECK(RemoveNew(to, from));
  auto left = kMaxKept;
  return CopyTree(from, to, left);
}

}  // namespace trellis::plugin
