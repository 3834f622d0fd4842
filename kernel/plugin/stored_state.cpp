#include "kernel/plugin/stored_state.hpp"

#include "kernel/base/strings.hpp"
#include "kernel/crypto/bytes.hpp"
#include "kernel/plugin/state_files.hpp"
#include "kernel/sys/files.hpp"

#include <trellis/json.hpp>

#include <algorithm>
#include <map>

namespace trellis::plugin {

namespace fs = std::filesystem;

namespace {

using Values = std::map<std::string, std::string>;  // by key

constexpr std::string_view kVersionFile = ".version";

tl::unexpected<Error> Failure(fs::path const& path, std::error_code const& why) {
  return Fail(Code::kIo, "state '{}': {}", path.string(), why.message());
}

std::string HexOf(std::string_view text) {
  return crypto::Hex(crypto::AsBytes(text));
}
Result<std::string> TextOf(std::string_view hex) {
  TRELLIS_TRY(auto const bytes, crypto::FromHex(hex));
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace

StoredState::StoredState(fs::path const& folders, std::string const& plugin, KernelServices& kernel)
    : folder_(folders / plugin),
      kept_(folders / (".kept-" + plugin)),  // no plugin has a name like this
      plugin_(plugin),
      kernel_(kernel) {}

Result<bool> StoredState::Settle() const {
  TRELLIS_CHECK(sys::EnsureDirectory(folder_, sys::kPrivateDirectory));
  if (!IsKept()) return false;
  std::error_code ignored;
  if (fs::exists(kept_ / "decided", ignored)) {
    Drop();
    return false;
  }
  TRELLIS_CHECK(BringBack());
  return true;
}

Result<std::uint32_t> StoredState::Version() const {
  auto const text = sys::ReadFile(folder_ / kVersionFile);
  if (text) {
    auto const line = std::string_view(*text).substr(0, text->find('\n'));
    auto const number = strings::ParseNumber<std::uint32_t>(line);
    if (!number || *number == 0)
      return Fail(Code::kInvalid, "'{}' is no version", (folder_ / kVersionFile).string());
    return *number;
  }
  if (text.error().code != Code::kNotFound) return tl::unexpected<Error>(text.error());
  // Written before versions were.
  std::error_code failed;
  bool const empty = !fs::exists(folder_, failed) || fs::is_empty(folder_, failed);
  if (failed) return Failure(folder_, failed);
  auto const keys = kernel_.KvList(plugin_, "");
  return empty && (!keys || keys->empty()) ? 0 : 1;
}

Result<void> StoredState::SetVersion(std::uint32_t version) const {
  return sys::WriteFileAtomic(folder_ / kVersionFile, fmt::format("{}\n", version),
                              sys::kPrivateFile);
}

bool StoredState::IsKept() const {
  std::error_code ignored;
  return fs::exists(kept_, ignored);
}

Result<void> StoredState::Keep() const {
  auto const fresh = fs::path(kept_.string() + ".new");
  std::error_code failed;
  fs::remove_all(fresh, failed);
  if (failed) return Failure(fresh, failed);
  TRELLIS_CHECK(sys::EnsureDirectory(fresh, sys::kPrivateDirectory));
  TRELLIS_CHECK(CopyStateFiles(folder_, fresh / "files"));
  TRELLIS_CHECK(KeepKeys(fresh / "keys.json"));
  fs::rename(fresh, kept_, failed);
  if (failed) return Failure(kept_, failed);
  return sys::SyncDirectory(kept_.parent_path());
}

Result<void> StoredState::KeepKeys(fs::path const& file) const {
  TRELLIS_TRY(auto const keys, kernel_.KvList(plugin_, ""));
  // As hex: a value is any bytes, which a JSON text cannot hold.
  Values values;
  for (auto const& key : keys) {
    TRELLIS_TRY(auto const value, kernel_.KvGet(plugin_, key));
    values[HexOf(key)] = HexOf(value);
  }
  return sys::WriteFileAtomic(file, json::Dump(values), sys::kPrivateFile);
}

Result<void> StoredState::BringBackKeys() const {
  TRELLIS_TRY(auto const text, sys::ReadFile(kept_ / "keys.json", kMaxKept));
  Values values;
  TRELLIS_TRY(auto const parsed, json::Parse<Values>(text));
  for (auto const& [key, value] : parsed) {
    TRELLIS_TRY(auto const name, TextOf(key));
    TRELLIS_TRY(values[name], TextOf(value));
  }
  TRELLIS_TRY(auto const now, kernel_.KvList(plugin_, ""));
  for (auto const& key : now) {
    if (!values.contains(key)) TRELLIS_CHECK(kernel_.KvRemove(plugin_, key));
  }
  for (auto const& [key, value] : values)
    TRELLIS_CHECK(kernel_.KvPut(plugin_, key, value));
  return {};
}

Result<void> StoredState::Decide() const {
  return sys::WriteFileAtomic(kept_ / "decided", "", sys::kPrivateFile);
}

Result<void> StoredState::BringBack() const {
  TRELLIS_CHECK(RestoreStateFiles(kept_ / "files", folder_));
  TRELLIS_CHECK(BringBackKeys());
  Drop();
  return {};
}

void StoredState::Drop() const {
  // Moved away first: half a copy must never be brought back.
  std::error_code ignored;
  auto const gone = fs::path(kept_.string() + ".old");
  fs::remove_all(gone, ignored);
  fs::rename(kept_, gone, ignored);
  fs::remove_all(gone, ignored);
}

}  // namespace trellis::plugin
