#include "kernel/plugin/trust_store.hpp"

#include "kernel/base/strings.hpp"
#include "kernel/plugin/trust_files.hpp"

#include <algorithm>

namespace trellis::plugin {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMaxTrustFile = std::size_t{1} << 20U;

/// Calls `function` with every line that says something; its error names file and line.
template <class Function>
Result<void> ForEachLine(fs::path const& file, Function function) {
  TRELLIS_TRY(auto const opened, OwnedFile::Open(file));
  TRELLIS_CHECK(opened.CheckOwner());
  TRELLIS_TRY(auto const text, opened.Read(kMaxTrustFile));
  std::size_t number = 0;
  for (auto const whole : strings::Split(text, '\n')) {
    ++number;
    auto const line = strings::Trim(whole.substr(0, whole.find('#')));
    if (line.empty()) continue;
    if (auto const done = function(line); !done)
      return Fail(Code::kDecode, "trust store: {}:{}: {}", file.string(), number,
                  done.error().message);
  }
  return {};
}

}  // namespace

fs::path DefaultTrustDir() {
  std::error_code none;
  auto const program = fs::read_symlink("/proc/self/exe", none);
  auto const built = program.parent_path().parent_path() / "trust.d";
  return fs::is_directory(built, none) ? built : fs::path("/etc/trellis/trust.d");
}

Result<TrustStore> TrustStore::Open(fs::path const& folder) {
  TrustStore store;
  std::error_code failed;
  if (!fs::exists(folder, failed)) return store;
  store.exists_ = true;
  TRELLIS_CHECK(CheckOwnedFolders(folder));
  std::vector<fs::path> files;
  for (auto const& entry : fs::directory_iterator(folder, failed)) {
    if (entry.path().extension() == ".pub") files.push_back(entry.path());
  }
  if (failed) return Fail(Code::kIo, "trust store '{}': {}", folder.string(), failed.message());
  std::sort(files.begin(), files.end());
  for (auto const& file : files)
    TRELLIS_CHECK(store.AddKeys(file));
  auto const beside = fs::absolute(folder / ".").lexically_normal().parent_path().parent_path();
  for (auto const& file : {folder / "revoked", beside / "revoked"}) {
    if (fs::exists(file, failed)) TRELLIS_CHECK(store.AddRevoked(file));
  }
  return store;
}

Result<void> TrustStore::AddKeys(fs::path const& file) {
  return ForEachLine(file, [this](std::string_view line) -> Result<void> {
    TRELLIS_TRY(auto key, TrustedKey::Parse(line));
    keys_.push_back(std::move(key));
    return {};
  });
}

Result<void> TrustStore::AddRevoked(fs::path const& file) {
  return ForEachLine(file, [this](std::string_view line) -> Result<void> {
    constexpr std::size_t kKeyIdDigits = 16;
    constexpr std::size_t kHashDigits = 64;
    auto const word = strings::ToLower(line);
    bool const known = word.size() == kKeyIdDigits || word.size() == kHashDigits;
    if (!known || word.find_first_not_of("0123456789abcdef") != std::string::npos)
      return Fail(Code::kDecode, "expected a key id (16 hex digits) or a file's hash (64)");
    revoked_.insert(word);
    return {};
  });
}

TrustedKey const* TrustStore::Find(std::string_view key_id) const {
  auto const found =
      std::find_if(keys_.begin(), keys_.end(), [&](auto const& key) { return key.id == key_id; });
  return found == keys_.end() ? nullptr : &*found;
}

}  // namespace trellis::plugin
