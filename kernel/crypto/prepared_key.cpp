#include "kernel/crypto/prepared_key.hpp"

#include "kernel/crypto/edwards25519.hpp"
#include "kernel/crypto/hash.hpp"
#include "kernel/crypto/ristretto.hpp"
#include "kernel/crypto/sr25519.hpp"

#include <sodium.h>

#include <algorithm>

namespace trellis::crypto {
namespace {

using Bytes32 = std::array<std::uint8_t, 32>;

constexpr unsigned kWidth = 6;

Bytes32 Reduce(std::array<std::uint8_t, 64> const& wide) {
  Bytes32 out{};
  crypto_core_ed25519_scalar_reduce(out.data(), wide.data());
  return out;
}

/// The second half of a signature as a number; empty when it is not below the group's order.
std::optional<Bytes32> ScalarOf(Bytes32 const& bytes) {
  std::array<std::uint8_t, 64> wide{};
  std::copy(bytes.begin(), bytes.end(), wide.begin());
  if (Reduce(wide) != bytes) return std::nullopt;
  return bytes;
}

Bytes32 Half(BytesView signature, std::size_t at) {
  Bytes32 half{};
  std::copy_n(signature.begin() + static_cast<std::ptrdiff_t>(at), half.size(), half.begin());
  return half;
}

/// Refuses what libsodium's strict check refuses: keys and first halves of small order or not in
/// their smallest encoding, scalars that are not reduced.
class Ed25519Key final : public PreparedKey {
 public:
  Ed25519Key(PublicKey const& key, curve::Point const& point)
      : key_(key), minus_key_(curve::MakeSplitTable(curve::Negate(point), kWidth)) {}

  [[nodiscard]] bool Verify(BytesView message, BytesView signature) const override {
    if (signature.size() != 64) return false;
    auto const r = Half(signature, 0);
    auto const s = ScalarOf(Half(signature, 32));
    if (!s.has_value()) return false;
    auto const point = curve::CombineWithBase(*s, Challenge(r, message), minus_key_);
    return curve::EncodeEdwards(point) == r && !curve::HasSmallOrder(point);
  }

 private:
  [[nodiscard]] Bytes32 Challenge(Bytes32 const& r, BytesView message) const {
    crypto_hash_sha512_state state;
    crypto_hash_sha512_init(&state);
    crypto_hash_sha512_update(&state, r.data(), r.size());
    crypto_hash_sha512_update(&state, key_.data(), key_.size());
    crypto_hash_sha512_update(&state, message.data(), message.size());
    std::array<std::uint8_t, 64> wide{};
    crypto_hash_sha512_final(&state, wide.data());
    return Reduce(wide);
  }

  PublicKey key_;
  curve::SplitTable minus_key_;
};

class Sr25519Key final : public PreparedKey {
 public:
  Sr25519Key(PublicKey const& key, curve::Point const& point)
      : key_(key), minus_key_(curve::MakeSplitTable(curve::Negate(point), kWidth)) {}

  [[nodiscard]] bool Verify(BytesView message, BytesView signature) const override {
    auto const s = sr25519::ScalarOf(signature);
    if (!s.has_value()) return false;
    auto const r = Half(signature, 0);
    auto const k = Reduce(sr25519::Challenge(key_, r, message));
    return curve::EncodeRistretto(curve::CombineWithBase(*s, k, minus_key_)) == r;
  }

 private:
  PublicKey key_;
  curve::SplitTable minus_key_;
};

/// No signature is good under it.
class BadKey final : public PreparedKey {
 public:
  [[nodiscard]] bool Verify(BytesView, BytesView) const override { return false; }
};

}  // namespace

std::shared_ptr<PreparedKey const> PreparedKey::Make(KeyType type, PublicKey const& key) {
  if (type == KeyType::kSr25519) {
    auto const point = curve::DecodeRistretto(key);
    if (!point.has_value() || key == PublicKey{}) return std::make_shared<BadKey const>();
    return std::make_shared<Sr25519Key const>(key, *point);
  }
  auto const point = curve::DecodeEdwards(key);
  if (!point.has_value() || curve::HasSmallOrder(*point)) return std::make_shared<BadKey const>();
  return std::make_shared<Ed25519Key const>(key, *point);
}

std::shared_ptr<PreparedKey const> KeyCache::Find(Name const& name) {
  std::lock_guard const lock(mutex_);
  auto const found = entries_.find(name);
  if (found != entries_.end()) {
    order_.splice(order_.begin(), order_, found->second.place);
    if (found->second.key == nullptr)
      found->second.key = PreparedKey::Make(name.first, name.second);
    return found->second.key;
  }
  if (entries_.size() >= limit_) {
    entries_.erase(order_.back());
    order_.pop_back();
  }
  order_.push_front(name);
  entries_.emplace(name, Entry{nullptr, order_.begin()});
  return nullptr;
}

bool KeyCache::Verify(KeyType type, PublicKey const& key, BytesView message, BytesView signature) {
  auto const prepared = Find({type, key});
  if (prepared == nullptr) return crypto::Verify(type, key, message, signature);
  return prepared->Verify(message, signature);
}

}  // namespace trellis::crypto
