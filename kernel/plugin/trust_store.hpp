// Whose plugins this node runs: a folder of public keys, and what was revoked.
#pragma once

#include "kernel/plugin/trust_keys.hpp"

#include <trellis/result.hpp>

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugin {

/// The trust store of a node that names none: `trust.d` beside the folder of this program, where a
/// build puts the keys of its plugins, else `/etc/trellis/trust.d`.
[[nodiscard]] std::filesystem::path DefaultTrustDir();

/// Read once, fixed afterwards.
class TrustStore {
 public:
  /// Every `*.pub` of the folder, and `revoked` in it or beside it: key ids and file hashes, one a
  /// line, `#` before remarks. kDecode names file and line; kDenied: others than its owner may
  /// write there. A folder that is not there trusts nobody.
  static Result<TrustStore> Open(std::filesystem::path const& folder);

  /// nullptr when nobody trusts it.
  [[nodiscard]] TrustedKey const* Find(std::string_view key_id) const;
  [[nodiscard]] bool IsRevoked(std::string_view key_id_or_hash) const {
    return revoked_.contains(key_id_or_hash);
  }
  [[nodiscard]] std::vector<TrustedKey> const& keys() const { return keys_; }
  /// Is the folder there?
  [[nodiscard]] bool exists() const { return exists_; }

 private:
  Result<void> AddKeys(std::filesystem::path const& file);
  Result<void> AddRevoked(std::filesystem::path const& file);

  bool exists_ = false;
  std::vector<TrustedKey> keys_;
  std::set<std::string, std::less<>> revoked_;
};

}  // namespace trellis::plugin
