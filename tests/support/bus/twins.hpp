// Twins with keys, in memory.
#pragma once

#include "kernel/rmb/inbox.hpp"
#include "kernel/rmb/twins.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace trellis::testing {

/// Safe for use by several threads. The key of a twin is made of its id, so it is the same in every
/// directory.
class BusTwins final : public rmb::TwinDirectory {
 public:
  Result<rmb::TwinInfo> Twin(std::uint32_t id) override;

  /// A twin with an account key, the relay and, when asked for, an encryption key.
  void Add(std::uint32_t id, std::string relay, bool encrypts = false);
  void SetRelay(std::uint32_t id, std::optional<std::string> relay);
  /// Changes the account key to one made of `seed`.
  void ChangeKey(std::uint32_t id, std::uint8_t seed);
  void ChangePk(std::uint32_t id, std::uint8_t seed);
  void SetAway(bool away) { away_ = away; }
  [[nodiscard]] std::size_t lookups() const { return lookups_; }

  static crypto::Seed SeedOf(std::uint32_t id, std::uint8_t seed = 0);
  static crypto::Signer SignerOf(std::uint32_t id,
                                 crypto::KeyType type = crypto::KeyType::kEd25519);
  /// Who a peer of the twin is.
  static rmb::Identity IdentityOf(std::uint32_t id, std::optional<std::string> session,
                                  bool encrypts = false);

 private:
  std::mutex mutex_;  // guards twins_
  std::map<std::uint32_t, rmb::TwinInfo> twins_;
  std::atomic<bool> away_{false};
  std::atomic<std::size_t> lookups_{0};
};

/// A token of the twin, good for a minute from `now`.
std::string TokenOf(std::uint32_t twin, std::optional<std::string> session, std::int64_t now);

/// A signed request, good for a minute from `now`.
rmb::Envelope RequestOf(rmb::Address const& from, rmb::Address const& to, std::string const& uid,
                        std::int64_t now);
std::string SignedBytes(rmb::Envelope envelope);

}  // namespace trellis::testing
