#include "kernel/plugin/trust_copies.hpp"

#include "kernel/sys/files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <vector>

namespace trellis::plugin {

namespace fs = std::filesystem;

namespace {

constexpr mode_t kReadOnlyFile = 0400;
constexpr fs::perms kReadOnlyFolder = fs::perms::owner_read | fs::perms::owner_exec;

Error Failure(fs::path const& path, std::error_code const& why) {
  return {Code::kIo, fmt::format("private copy '{}': {}", path.string(), why.message())};
}

/// Piece by piece: fresh memory for the whole would take longer than the comparison.
bool IsCopyOf(fs::path const& file, std::string_view bytes) {
  auto const there = sys::OpenFile(file, O_RDONLY | O_NOFOLLOW);
  if (!there) return false;
  std::array<char, std::size_t{64} << 10U> piece;  // NOLINT(*-member-init): read below
  while (true) {
    auto const got = ::read(there->get(), piece.data(), piece.size());
    if (got <= 0) return got == 0 && bytes.empty();
    auto const length = static_cast<std::size_t>(got);
    if (!bytes.starts_with(std::string_view(piece.data(), length))) return false;
    bytes.remove_prefix(length);
  }
}

void Remove(fs::path const& folder) {
  std::error_code ignored;  // what stays is looked at by the next start
  fs::permissions(folder, fs::perms::owner_all, ignored);
  fs::remove_all(folder, ignored);
}

}  // namespace

Result<fs::path> TrustCopies::Put(std::string const& hash, std::string const& file,
                                  std::string_view bytes) {
  TRELLIS_CHECK(sys::EnsureDirectory(root_, sys::kPrivateDirectory));
  auto const folder = root_ / hash;
  put_.insert(hash);
  if (IsCopyOf(folder / file, bytes)) return folder / file;
  Remove(folder);
  auto const fresh = root_ / (hash + ".new");
  Remove(fresh);
  TRELLIS_CHECK(sys::EnsureDirectory(fresh, sys::kPrivateDirectory));
  TRELLIS_TRY(auto const out,
              sys::OpenFile(fresh / file, O_WRONLY | O_CREAT | O_EXCL, kReadOnlyFile));
  TRELLIS_CHECK(sys::WriteAll(out.get(), bytes));
  std::error_code failed;
  fs::rename(fresh, folder, failed);
  if (!failed) fs::permissions(folder, kReadOnlyFolder, failed);
  if (failed) return tl::unexpected<Error>(Failure(folder, failed));
  return folder / file;
}

void TrustCopies::RemoveOthers() const {
  std::error_code ignored;
  std::vector<fs::path> others;
  for (auto const& entry : fs::directory_iterator(root_, ignored)) {
    if (!put_.contains(entry.path().filename().string())) others.push_back(entry.path());
  }
  for (auto const& folder : others)
    Remove(folder);
}

}  // namespace trellis::plugin
