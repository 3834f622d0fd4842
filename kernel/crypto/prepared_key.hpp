// A public key decoded once, with tables that make checking its signatures quicker; and the place
// where those of many twins are kept.
#pragma once

#include "kernel/crypto/keys.hpp"

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace trellis::crypto {

/// The verdict is that of crypto::Verify to the last bit. Immutable, so safe for use by several
/// threads.
class PreparedKey {
 public:
  virtual ~PreparedKey() = default;
  [[nodiscard]] virtual bool Verify(BytesView message, BytesView signature) const = 0;
  /// About 5 KiB. Preparing costs about as much as one check.
  static std::shared_ptr<PreparedKey const> Make(KeyType type, PublicKey const& key);
};

/// The keys used last. Safe for use by several threads.
class KeyCache {
 public:
  static constexpr std::size_t kDefaultLimit = 512;
  explicit KeyCache(std::size_t limit = kDefaultLimit) : limit_(limit) {}

  /// As crypto::Verify. A key is prepared when it is seen for the second time: keys that come only
  /// once must not push out those that come often, nor cost more than a plain check.
  bool Verify(KeyType type, PublicKey const& key, BytesView message, BytesView signature);

 private:
  using Name = std::pair<KeyType, PublicKey>;
  struct Entry {
    std::shared_ptr<PreparedKey const> key;  // shared with checks under way; empty: seen once
    std::list<Name>::iterator place;
  };
  std::shared_ptr<PreparedKey const> Find(Name const& name);

  std::size_t const limit_;
  std::mutex mutex_;  // guards the two below
  std::map<Name, Entry> entries_;
  std::list<Name> order_;  // used last in front
};

}  // namespace trellis::crypto
