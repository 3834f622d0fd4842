#include "tools/cli/grid_dir.hpp"

#include "kernel/crypto/derivation.hpp"
#include "kernel/crypto/mnemonic.hpp"
#include "kernel/plugin/trust_store.hpp"
#include "kernel/sys/files.hpp"

#include <fmt/ranges.h>

#include <toml++/toml.h>

#include <algorithm>

namespace trellis::cli {
namespace {

namespace fs = std::filesystem;

fs::path KeyPath(fs::path const& dir, std::string const& name) {
  return dir / "keys" / (name + ".json");
}

std::vector<std::string> TextsAt(toml::table const& root, std::string_view key) {
  std::vector<std::string> texts;
  if (auto const* list = root.at_path(key).as_array(); list != nullptr) {
    for (auto const& text : *list)
      texts.push_back(text.value_or(std::string()));
  }
  return texts;
}

/// `path`: the value of a key as a path, or a fallback.
template <class Path>
Result<void> ReadLedger(toml::table const& root, Path const& path, GridSettings& settings) {
  auto& ledger = settings.ledger;
  TRELLIS_TRY(
      ledger.backend,
      ledger::BackendText::Parse(root.at_path("ledger.backend").value_or(std::string("embedded"))));
  ledger.path = path("ledger.path", settings.state_dir / "ledger.db");
  ledger.allow_private_ips = root.at_path("ledger.allow_private_ips").value_or(true);
  ledger.keep_deleted_days = root.at_path("ledger.keep_deleted").value_or(ledger.keep_deleted_days);
  ledger.etcd.endpoints = TextsAt(root, "ledger.etcd.endpoints");
  ledger.tfchain_urls = TextsAt(root, "ledger.tfchain.urls");
  ledger.etcd.prefix = root.at_path("ledger.etcd.prefix").value_or(ledger.etcd.prefix);
  ledger.etcd.ca_file = path("ledger.etcd.ca_file", {});
  ledger.etcd.cert_file = path("ledger.etcd.cert_file", {});
  ledger.etcd.key_file = path("ledger.etcd.key_file", {});
  ledger.etcd.user = root.at_path("ledger.etcd.user").value_or(std::string());
  ledger.etcd_password_file = path("ledger.etcd.password_file", {});
  return {};
}

Result<GridSettings> ReadSettings(fs::path const& dir) {
  auto const file = dir / "trellis.toml";
  std::error_code missing;
  if (!fs::exists(file, missing)) {
    return Fail(Code::kNotFound,
                "there is no grid in '{}': make one with 'trellis grid init --dir {}', or name "
                "another with --dir",
                dir.string(), dir.string());
  }
  try {
    auto const root = toml::parse_file(file.string());
    auto const path = [&](std::string_view key, fs::path const& fallback) {
      auto const text = root.at_path(key).value<std::string>();
      return text && !text->empty() ? (dir / *text).lexically_normal() : fallback;
    };
    GridSettings settings;
    settings.state_dir = path("node.state_dir", dir / "state");
    settings.run_dir = path("node.run_dir", dir / "run");
    TRELLIS_CHECK(ReadLedger(root, path, settings));
    settings.plugins_dir = path("plugins.dir", {});
    settings.trust_dir = path("plugins.trust_dir", plugin::DefaultTrustDir());
    settings.dev_mode = root.at_path("plugins.dev_mode").value_or(false);
    settings.node_id = root.at_path("node.node_id").value_or(0U);
    settings.farm_id = root.at_path("node.farm_id").value_or(0U);
    return settings;
  } catch (toml::parse_error const& error) {
    return Fail(Code::kDecode, "{}:{}: {}", file.string(), error.source().begin.line,
                error.description());
  }
}

}  // namespace

Result<GridDir> GridDir::Open(fs::path dir) {
  dir = fs::absolute(dir).lexically_normal();
  TRELLIS_TRY(auto settings, ReadSettings(dir));
  return GridDir(std::move(dir), std::move(settings));
}

Result<ledger::OpenedLedger> GridDir::OpenLedger(std::vector<crypto::Signer> signers) const {
  if (settings_.ledger.backend == ledger::Backend::kTfchain) {
    auto const keys = ListKeys();
    signers.reserve(signers.size() + keys.size());
    for (auto const& key : keys) {
      TRELLIS_TRY(auto const loaded, LoadKey(key));
      signers.push_back(loaded.signer);
    }
  }
  return ledger::OpenLedger(settings_.ledger, std::move(signers));
}

std::vector<KeyFile> GridDir::ListKeys() const {
  std::vector<KeyFile> keys;
  std::error_code missing;
  for (auto const& entry : fs::directory_iterator(path_ / "keys", missing)) {
    if (entry.path().extension() != ".json") continue;
    auto const text = sys::ReadFile(entry.path());
    if (!text) continue;
    if (auto key = json::Parse<KeyFile>(*text);
        key && (key->mnemonic.has_value() || key->seed.has_value()))
      keys.push_back(*std::move(key));
  }
  std::sort(keys.begin(), keys.end(), [](auto const& a, auto const& b) { return a.twin < b.twin; });
  return keys;
}

Result<KeyFile> GridDir::FindKey(std::string const& name) const {
  auto const keys = ListKeys();
  auto const wanted = name.empty() ? std::string("user") : name;
  for (auto const& key : keys) {
    if (key.name == wanted || std::to_string(key.twin) == wanted) return key;
  }
  std::vector<std::string> names;
  names.reserve(keys.size());
  for (auto const& key : keys)
    names.push_back(key.name);
  return Fail(Code::kNotFound,
              "there is no key '{}' in '{}': it has {}; make one with 'trellis twin create'",
              wanted, (path_ / "keys").string(), fmt::join(names, ", "));
}

Result<void> GridDir::WriteKey(KeyFile const& key) const {
  std::error_code missing;
  if (fs::exists(KeyPath(path_, key.name), missing))
    return Fail(Code::kExists, "there is already a key '{}'", key.name);
  return ReplaceKey(key);
}

Result<void> GridDir::ReplaceKey(KeyFile const& key) const {
  TRELLIS_CHECK(sys::EnsureDirectory(path_ / "keys", sys::kPrivateDirectory));
  return sys::WriteFileAtomic(KeyPath(path_, key.name), json::Dump(key) + "\n", sys::kPrivateFile);
}

Result<LoadedKey> LoadKey(KeyFile const& key) {
  auto const type = key.type == "sr25519" ? crypto::KeyType::kSr25519 : crypto::KeyType::kEd25519;
  TRELLIS_TRY(auto seed, crypto::SeedFromSecret(type, key.secret()));
  return LoadedKey{crypto::Signer::FromSeed(type, seed.view()), seed};
}

Result<KeyFile> NewKey(std::string name, std::string type) {
  auto const legal =
      !name.empty() && name.size() <= 36 &&
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
          std::string::npos;
  if (!legal)
    return Fail(Code::kInvalid, "key name '{}' is not usable: 1 to 36 letters, digits, '_' and '-'",
                name);
  if (type != "sr25519" && type != "ed25519")
    return Fail(Code::kInvalid, "unknown key type '{}': use sr25519 or ed25519", type);
  KeyFile key;
  key.name = std::move(name);
  key.type = std::move(type);
  key.mnemonic = crypto::GenerateMnemonic();
  return key;
}

}  // namespace trellis::cli
