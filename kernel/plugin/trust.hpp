// Checks a plugin's files before any of it is opened as code: loading a library runs what is in it.
#pragma once

#include "kernel/plugin/manifest.hpp"
#include "kernel/plugin/trust_copies.hpp"
#include "kernel/plugin/trust_store.hpp"

#include <trellis/result.hpp>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugin {

inline constexpr std::string_view kManifestSuffix = ".manifest.json";
inline constexpr std::string_view kSignatureSuffix = ".manifest.json.sig";

struct TrustOptions {
  std::filesystem::path plugins_dir;
  std::filesystem::path trust_dir;
  std::filesystem::path copies;  ///< where private copies are kept
  bool dev = false;              ///< owners, modes and signatures only lead to warnings
  bool check_owners = true;      ///< false: the files are only to be copied
};

/// A plugin whose files may be loaded.
struct TrustedPlugin {
  std::filesystem::path code;  ///< a private copy of what was verified
  Manifest manifest;
  std::string hash;                   ///< of the file, hex
  std::string key_id;                 ///< who signed; "" in dev mode when nobody did
  std::vector<std::string> warnings;  ///< what only dev mode allows
};

/// The first five checks, in their order; the first that fails counts. Not for use by two threads
/// at once.
class Trust {
 public:
  /// Told of each check that held, for people: its number and what it found.
  using Report = std::function<void(int number, std::string const& what)>;

  explicit Trust(TrustOptions options);

  /// Every error names the plugin, the file and the reason.
  Result<TrustedPlugin> Verify(std::filesystem::path const& file, Report const& report = {});
  /// Copies of plugins that were not verified since the start go.
  void RemoveOldCopies() const { copies_.RemoveOthers(); }

 private:
  struct Case;
  [[nodiscard]] Result<void> CheckPlace(Case& plugin) const;
  [[nodiscard]] Result<void> CheckOwners(Case const& plugin) const;
  [[nodiscard]] static Result<void> CheckManifest(Case& plugin);
  [[nodiscard]] Result<void> CheckSignature(Case& plugin) const;
  Result<void> CheckBytes(Case& plugin);
  /// In dev mode the error is a warning.
  [[nodiscard]] Result<void> Tolerate(Case& plugin, Result<void> const& done) const;

  TrustOptions const options_;
  Result<TrustStore> store_;  // as of the last Verify: keys come and go while a node runs
  TrustCopies copies_;
};

/// A number of bytes and their BLAKE2b-256 in hex, as manifests have them.
[[nodiscard]] FileFacts FactsOf(std::string name, std::string_view bytes);

}  // namespace trellis::plugin
