#include "plugins/flist/archive.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/flist/root_lookup.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>

namespace trellis::plugins::flist {

namespace {

constexpr std::size_t kBlock = std::size_t{1} << 16;
constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";

using Reader = std::unique_ptr<archive, decltype(&archive_read_free)>;
using Writer = std::unique_ptr<archive, decltype(&archive_write_free)>;

struct Split {
  std::string parent;
  std::string name;
};
Split SplitPath(std::string const& path) {
  auto const slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

tl::unexpected<Error> Broken(archive* handle) {
  char const* text = archive_error_string(handle);
  return Fail(Code::kInvalid, "cannot read the image: {}",
              text == nullptr ? "unknown error" : text);
}

Result<Reader> OpenReader(std::string const& path) {
  Reader reader(archive_read_new(), &archive_read_free);
  if (!reader) return Fail(Code::kInternal, "out of memory");
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_filter_zstd(reader.get());
  archive_read_support_filter_xz(reader.get());
  archive_read_support_filter_bzip2(reader.get());
  archive_read_support_format_tar(reader.get());
  if (archive_read_open_filename(reader.get(), path.c_str(), kBlock) != ARCHIVE_OK)
    return Broken(reader.get());
  return reader;
}

// Calls `visit` for each entry, in order, with its clean path.
Result<void> ForEach(
    Call& call, std::string const& path,
    std::function<Result<void>(archive*, archive_entry*, std::string const&)> const& visit) {
  TRELLIS_TRY(auto const reader, OpenReader(path));
  for (std::uint64_t count = 0;; ++count) {
    TRELLIS_CHECK(call.Checkpoint());
    if (count > kMaxEntries)
      return Fail(Code::kExhausted, "image has more than {} files", kMaxEntries);
    archive_entry* entry = nullptr;
    int const status = archive_read_next_header(reader.get(), &entry);
    if (status == ARCHIVE_EOF) return {};
    if (status < ARCHIVE_WARN) return Broken(reader.get());
    char const* const name = archive_entry_pathname(entry);
    if (name == nullptr) return Fail(Code::kInvalid, "image has a file without a readable name");
    TRELLIS_TRY(auto const clean, CleanPath(name));
    TRELLIS_CHECK(visit(reader.get(), entry, clean));
  }
}

bool IsWhiteout(std::string const& path) {
  return SplitPath(path).name.starts_with(kWhiteout);
}

// A missing directory has nothing to remove.
Result<std::string> ExistingDir(std::string const& root, std::string const& path) {
  TRELLIS_TRY(auto const found, OpenInRoot(root, path, O_PATH | O_DIRECTORY));
  return MakeDirInRoot(root, path);
}

Result<void> ApplyWhiteout(std::string const& root, std::string const& path) {
  auto const [parent, name] = SplitPath(path);
  auto const dir = ExistingDir(root, parent);
  if (!dir && dir.error().code == Code::kNotFound) return {};
  TRELLIS_CHECK(dir);
  if (name != kOpaque) {
    auto const hidden = name.substr(kWhiteout.size());
    if (hidden.empty() || hidden == "." || hidden == "..")
      return Fail(Code::kInvalid, "unsafe path '{}' in image", path);
    return RemoveTree(*dir + "/" + hidden);
  }
  TRELLIS_TRY(auto const names, ListDir(*dir));
  for (auto const& child : names)
    TRELLIS_CHECK(RemoveTree(*dir + "/" + child));
  return {};
}

// Attributes of overlayfs and of the host's security modules must not come out of an image.
void KeepHarmlessAttributes(archive_entry* entry) {
  std::vector<std::pair<std::string, std::string>> kept;
  char const* name = nullptr;
  void const* value = nullptr;
  std::size_t size = 0;
  archive_entry_xattr_reset(entry);
  while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
    std::string_view const key(name);
    if (key.starts_with("user.") || key == "security.capability")
      kept.emplace_back(key, std::string(static_cast<char const*>(value), size));
  }
  archive_entry_xattr_clear(entry);
  for (auto const& [key, text] : kept)
    archive_entry_xattr_add_entry(entry, key.c_str(), text.data(), text.size());
}

// What stands where something of another type is to come, goes.
Result<void> MakeWay(std::string const& target, archive_entry* entry) {
  struct stat info {};
  if (::lstat(target.c_str(), &info) != 0) return {};
  bool const new_dir =
      archive_entry_filetype(entry) == AE_IFDIR && archive_entry_hardlink(entry) == nullptr;
  if (new_dir && S_ISDIR(info.st_mode)) return {};
  return RemoveTree(target);
}

Result<std::string> TargetOf(std::string const& root, std::string const& path) {
  auto const [parent, name] = SplitPath(path);
  TRELLIS_TRY(auto const dir, MakeDirInRoot(root, parent));
  return dir + "/" + name;
}

Result<void> CopyData(Call& call, archive* from, archive* to, std::uint64_t& budget) {
  void const* block = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  while (true) {
    int const status = archive_read_data_block(from, &block, &size, &offset);
    if (status == ARCHIVE_EOF) return {};
    if (status < ARCHIVE_WARN) return Broken(from);
    TRELLIS_CHECK(call.Checkpoint());
    if (size > budget)
      return Fail(Code::kExhausted, "unpacked image is bigger than the configured limit");
    budget -= size;
    if (archive_write_data_block(to, block, size, offset) < ARCHIVE_WARN)
      return Fail(Code::kIo, "cannot unpack the image: {}", archive_error_string(to));
  }
}

Writer OpenWriter() {
  Writer writer(archive_write_disk_new(), &archive_write_free);
  archive_write_disk_set_options(
      writer.get(), ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME |
                        ARCHIVE_EXTRACT_XATTR | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
                        ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SPARSE);
  return writer;
}

Result<void> ExtractEntry(Call& call, archive* from, archive_entry* entry, archive* to,
                          std::string const& root, std::string const& path, std::uint64_t& budget) {
  TRELLIS_TRY(auto const target, TargetOf(root, path));
  if (char const* const link = archive_entry_hardlink(entry); link != nullptr) {
    TRELLIS_TRY(auto const clean, CleanPath(link));
    TRELLIS_TRY(auto const linked, TargetOf(root, clean));
    archive_entry_set_hardlink(entry, linked.c_str());
  }
  TRELLIS_CHECK(MakeWay(target, entry));
  archive_entry_set_pathname(entry, target.c_str());
  KeepHarmlessAttributes(entry);
  if (archive_write_header(to, entry) < ARCHIVE_WARN)
    return Fail(Code::kIo, "cannot unpack '{}': {}", path, archive_error_string(to));
  if (archive_entry_size_is_set(entry) != 0 && archive_entry_size(entry) > 0)
    TRELLIS_CHECK(CopyData(call, from, to, budget));
  if (archive_write_finish_entry(to) < ARCHIVE_WARN)
    return Fail(Code::kIo, "cannot unpack '{}': {}", path, archive_error_string(to));
  return {};
}

}  // namespace

Result<std::string> CleanPath(std::string_view path) {
  std::string clean;
  std::size_t at = 0;
  while (at <= path.size()) {
    auto const end = std::min(path.find('/', at), path.size());
    auto const part = path.substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (part == "..") return Fail(Code::kInvalid, "unsafe path '{}' in image", path);
    if (!clean.empty()) clean += '/';
    clean += part;
  }
  return clean;
}

bool IsTar(std::string const& path) {
  auto const reader = OpenReader(path);
  archive_entry* entry = nullptr;
  return reader && archive_read_next_header(reader->get(), &entry) >= ARCHIVE_WARN &&
         archive_read_next_header(reader->get(), &entry) != ARCHIVE_FATAL;
}

Result<std::vector<std::string>> TopNames(Call& call, std::string const& path) {
  std::set<std::string> names;
  TRELLIS_CHECK(
      ForEach(call, path, [&](archive*, archive_entry*, std::string const& clean) -> Result<void> {
        if (!clean.empty()) names.insert(clean.substr(0, clean.find('/')));
        return {};
      }));
  return std::vector<std::string>(names.begin(), names.end());
}

Result<void> ApplyLayer(Call& call, std::string const& archive_path, std::string const& root,
                        std::uint64_t& budget) {
  std::error_code error;
  std::string const real_root = std::filesystem::canonical(root, error).string();
  if (error) return Fail(Code::kIo, "'{}': {}", root, error.message());
  TRELLIS_CHECK(ForEach(call, archive_path,
                        [&](archive*, archive_entry*, std::string const& path) -> Result<void> {
                          if (!IsWhiteout(path)) return {};
                          return ApplyWhiteout(real_root, path);
                        }));
  auto const writer = OpenWriter();
  if (!writer) return Fail(Code::kInternal, "out of memory");
  TRELLIS_CHECK(
      ForEach(call, archive_path,
              [&](archive* from, archive_entry* entry, std::string const& path) -> Result<void> {
                if (path.empty() || IsWhiteout(path)) return {};
                return ExtractEntry(call, from, entry, writer.get(), real_root, path, budget);
              }));
  // Directories get their final modes and times here.
  if (archive_write_close(writer.get()) < ARCHIVE_WARN)
    return Fail(Code::kIo, "cannot unpack the image: {}", archive_error_string(writer.get()));
  return {};
}

}  // namespace trellis::plugins::flist
