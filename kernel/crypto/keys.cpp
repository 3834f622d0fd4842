#include "kernel/crypto/keys.hpp"

#include "kernel/crypto/hash.hpp"
#include "kernel/crypto/sr25519.hpp"

#include <sodium.h>

#include <algorithm>

namespace trellis::crypto {
namespace {

constexpr std::size_t kSs58ChecksumBytes = 2;

Digest64 Ss58Checksum(BytesView prefixed_key) {
  constexpr std::string_view kContext = "SS58PRE";
  Bytes input(kContext.begin(), kContext.end());
  input.insert(input.end(), prefixed_key.begin(), prefixed_key.end());
  return Blake2b512(input);
}

}  // namespace

std::string_view ToText(KeyType type) {
  return type == KeyType::kSr25519 ? "sr25519" : "ed25519";
}

Signer Signer::FromSeed(KeyType type, std::span<std::uint8_t const, 32> seed) {
  Signer signer;
  signer.type_ = type;
  switch (type) {
    case KeyType::kEd25519:
      crypto_sign_seed_keypair(signer.public_key_.data(), signer.secret_.data(), seed.data());
      break;
    case KeyType::kSr25519:
      signer.secret_ = sr25519::Expand(seed);
      signer.public_key_ = sr25519::PublicKeyOf(signer.secret_);
      break;
  }
  return signer;
}

Signer::~Signer() {
  sodium_memzero(secret_.data(), secret_.size());
}

Signature Signer::Sign(BytesView message) const {
  if (type_ == KeyType::kSr25519) return sr25519::Sign(secret_, public_key_, message);
  Signature out{};
  crypto_sign_detached(out.data(), nullptr, message.data(), message.size(), secret_.data());
  return out;
}

bool Verify(KeyType type, BytesView public_key, BytesView message, BytesView signature) {
  if (public_key.size() != 32 || signature.size() != 64) return false;
  if (type == KeyType::kSr25519) return sr25519::Verify(public_key, message, signature);
  return crypto_sign_verify_detached(signature.data(), message.data(), message.size(),
                                     public_key.data()) == 0;
}

std::string Ss58Address(PublicKey const& key, std::uint8_t network) {
  Bytes data;
  data.reserve(1 + key.size() + kSs58ChecksumBytes);
  data.push_back(network);
  data.insert(data.end(), key.begin(), key.end());
  auto const checksum = Ss58Checksum(data);
  data.insert(data.end(), checksum.begin(), checksum.begin() + kSs58ChecksumBytes);
  return Base58(data);
}

Result<PublicKey> FromSs58Address(std::string_view address, std::uint8_t network) {
  TRELLIS_TRY(auto const data, FromBase58(address));
  if (data.size() != 1 + 32 + kSs58ChecksumBytes)
    return Fail(Code::kDecode, "not an account address");
  if (data[0] != network)
    return Fail(Code::kDecode, "address is of network {}, expected {}", data[0], network);
  auto const body = BytesView(data).first(33);
  auto const checksum = Ss58Checksum(body);
  if (!std::equal(data.begin() + 33, data.end(), checksum.begin()))
    return Fail(Code::kDecode, "the checksum of the address is wrong");
  return Exactly<32>(body.subspan(1));
}

}  // namespace trellis::crypto
