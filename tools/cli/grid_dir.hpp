// The folder of a grid: configuration, keys, ledger.
#pragma once

#include "kernel/crypto/keys.hpp"
#include "kernel/ledger/open.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace trellis::cli {

/// A key file, mode 0600.
struct KeyFile {
  std::string name;
  std::uint32_t twin = 0;
  std::string type = "sr25519";
  std::optional<std::string> mnemonic;
  std::optional<std::string> seed;  ///< 0x-hex

  /// The secret, whichever form it has.
  [[nodiscard]] std::string const& secret() const {
    return mnemonic.has_value() ? *mnemonic : *seed;
  }
};
BOOST_DESCRIBE_STRUCT(KeyFile, (), (name, twin, type, mnemonic, seed))

/// What the configuration says that the CLI needs.
struct GridSettings {
  std::filesystem::path state_dir;
  std::filesystem::path run_dir;
  ledger::LedgerSettings ledger;
  std::filesystem::path plugins_dir;
  std::filesystem::path trust_dir;  ///< public keys of those whose plugins the node runs
  bool dev_mode = false;            ///< plugins may be unsigned where `--dev` is said
  std::uint32_t node_id = 0;
  std::uint32_t farm_id = 0;
};

class GridDir {
 public:
  /// kNotFound: there is no grid; the text says how to make one.
  static Result<GridDir> Open(std::filesystem::path dir);

  [[nodiscard]] std::filesystem::path const& path() const { return path_; }
  [[nodiscard]] GridSettings const& settings() const { return settings_; }
  [[nodiscard]] std::filesystem::path control_socket() const {
    return settings_.run_dir / "control.sock";
  }
  /// `signers`: who may write besides the keys of the folder, where a ledger wants signatures.
  Result<ledger::OpenedLedger> OpenLedger(std::vector<crypto::Signer> signers = {}) const;

  /// The key of a twin by name; "" = the only user key, or `user`. kNotFound lists the names.
  Result<KeyFile> FindKey(std::string const& name) const;
  [[nodiscard]] std::vector<KeyFile> ListKeys() const;
  /// kExists when the name is taken.
  Result<void> WriteKey(KeyFile const& key) const;
  Result<void> ReplaceKey(KeyFile const& key) const;

 private:
  GridDir(std::filesystem::path path, GridSettings settings)
      : path_(std::move(path)), settings_(std::move(settings)) {}
  std::filesystem::path path_;
  GridSettings settings_;
};

/// The signer and seed of a key file.
struct LoadedKey {
  crypto::Signer signer;
  crypto::Seed seed;
};
Result<LoadedKey> LoadKey(KeyFile const& key);
/// A new key with a fresh 12-word mnemonic; `twin` 0.
Result<KeyFile> NewKey(std::string name, std::string type);

}  // namespace trellis::cli
