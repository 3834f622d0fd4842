#include "kernel/crypto/sr25519.hpp"

#include "kernel/crypto/hash.hpp"
#include "kernel/crypto/merlin.hpp"
#include "kernel/crypto/ristretto.hpp"

#include <sodium.h>

#include <algorithm>

namespace trellis::crypto::sr25519 {
namespace {

using Scalar = std::array<std::uint8_t, 32>;
using Point = std::array<std::uint8_t, 32>;

constexpr std::uint8_t kMarker = 0x80;

Scalar Reduce(std::array<std::uint8_t, 64> const& wide) {
  Scalar out{};
  crypto_core_ristretto255_scalar_reduce(out.data(), wide.data());
  return out;
}

// libsodium reports the identity as a failure; it is 32 zero bytes.
Point MultiplyBase(Scalar const& scalar) {
  Point out{};
  if (crypto_scalarmult_ristretto255_base(out.data(), scalar.data()) != 0) out.fill(0);
  return out;
}

bool IsCanonical(Scalar const& scalar) {
  std::array<std::uint8_t, 64> wide{};
  std::copy(scalar.begin(), scalar.end(), wide.begin());
  return Reduce(wide) == scalar;
}

// Random and bound to key and message, so that a weak random generator alone leaks no key.
Scalar Nonce(std::span<std::uint8_t const, 32> nonce_seed, BytesView message) {
  std::array<std::uint8_t, 32> random{};
  FillRandom(random);
  Bytes input(nonce_seed.begin(), nonce_seed.end());
  input.insert(input.end(), random.begin(), random.end());
  input.insert(input.end(), message.begin(), message.end());
  auto wide = Sha512(input);
  auto const out = Reduce(wide);
  sodium_memzero(wide.data(), wide.size());
  sodium_memzero(input.data(), input.size());
  return out;
}

Transcript DerivationTranscript(BytesView chain_code) {
  Transcript transcript("SchnorrRistrettoHDKD");
  transcript.Append("sign-bytes", {});
  transcript.Append("chain-code", chain_code);
  return transcript;
}

}  // namespace

std::array<std::uint8_t, 64> Expand(std::span<std::uint8_t const, 32> mini_secret) {
  auto out = Sha512(mini_secret);
  out[0] &= 0xf8;
  out[31] = static_cast<std::uint8_t>((out[31] & 0x3fU) | 0x40U);
  for (std::size_t i = 0; i < 32; ++i) {  // divide the little-endian scalar by the cofactor 8
    unsigned const above = i + 1 < 32 ? out[i + 1] : 0U;
    out[i] = static_cast<std::uint8_t>((out[i] >> 3U) | ((above << 5U) & 0xffU));
  }
  return out;
}

std::array<std::uint8_t, 32> PublicKeyOf(std::span<std::uint8_t const, 64> secret) {
  Scalar scalar{};
  std::copy_n(secret.begin(), scalar.size(), scalar.begin());
  auto const out = MultiplyBase(scalar);
  sodium_memzero(scalar.data(), scalar.size());
  return out;
}

std::array<std::uint8_t, 64> Challenge(BytesView public_key, BytesView point_r, BytesView message) {
  static Transcript const context = [] {
    Transcript made("SigningContext");
    made.Append("", AsBytes("substrate"));
    return made;
  }();
  auto transcript = context;  // every signature begins alike
  transcript.Append("sign-bytes", message);
  transcript.Append("proto-name", AsBytes("Schnorr-sig"));
  transcript.Append("sign:pk", public_key);
  transcript.Append("sign:R", point_r);
  std::array<std::uint8_t, 64> out{};
  transcript.Challenge("sign:c", out);
  return out;
}

std::array<std::uint8_t, 64> Sign(std::span<std::uint8_t const, 64> secret, BytesView public_key,
                                  BytesView message) {
  auto r = Nonce(secret.last<32>(), message);
  auto const point_r = MultiplyBase(r);
  Scalar scalar{};
  std::copy_n(secret.begin(), scalar.size(), scalar.begin());
  auto const k = Reduce(Challenge(public_key, point_r, message));
  Scalar s{};
  crypto_core_ristretto255_scalar_mul(s.data(), k.data(), scalar.data());
  crypto_core_ristretto255_scalar_add(s.data(), s.data(), r.data());
  sodium_memzero(scalar.data(), scalar.size());
  sodium_memzero(r.data(), r.size());

  std::array<std::uint8_t, 64> out{};
  std::copy(point_r.begin(), point_r.end(), out.begin());
  std::copy(s.begin(), s.end(), out.begin() + 32);
  out[63] |= kMarker;
  return out;
}

std::array<std::uint8_t, 32> DeriveHard(std::span<std::uint8_t const, 64> secret,
                                        std::span<std::uint8_t const, 32> chain_code) {
  auto transcript = DerivationTranscript(chain_code);
  transcript.Append("secret-key", secret.first<32>());
  std::array<std::uint8_t, 32> mini_secret{};
  transcript.Challenge("HDKD-hard", mini_secret);
  return mini_secret;
}

std::array<std::uint8_t, 64> DeriveSoft(std::span<std::uint8_t const, 64> secret,
                                        BytesView public_key,
                                        std::span<std::uint8_t const, 32> chain_code) {
  auto transcript = DerivationTranscript(chain_code);
  transcript.Append("public-key", public_key);
  std::array<std::uint8_t, 64> wide{};
  transcript.Challenge("HDKD-scalar", wide);
  auto const step = Reduce(wide);

  std::array<std::uint8_t, 64> child{};
  crypto_core_ristretto255_scalar_add(child.data(), secret.data(), step.data());
  transcript.Append("nonce-seed", secret.last<32>());
  transcript.Challenge("HDKD-nonce", std::span(child).last<32>());
  return child;
}

std::optional<Scalar> ScalarOf(BytesView signature) {
  if (signature.size() != 64 || (signature[63] & kMarker) == 0) return std::nullopt;
  Scalar s{};
  std::copy_n(signature.begin() + 32, s.size(), s.begin());
  s[31] &= 0x7f;
  if (!IsCanonical(s)) return std::nullopt;
  return s;
}

bool Verify(BytesView public_key, BytesView message, BytesView signature) {
  auto const s = ScalarOf(signature);
  if (public_key.size() != 32 || !s.has_value()) return false;
  // The identity as key would let anyone sign.
  auto const is_zero = [](auto byte) { return byte == 0; };
  if (std::all_of(public_key.begin(), public_key.end(), is_zero)) return false;
  auto const point = curve::DecodeRistretto(public_key.first<32>());
  if (!point.has_value()) return false;

  constexpr unsigned kWidth = 5;
  auto const k = Reduce(Challenge(public_key, signature.first(32), message));
  auto const minus_key = curve::MakeTable(curve::Negate(*point), kWidth);
  auto const expected = curve::EncodeRistretto(curve::CombineWithBase(*s, k, minus_key));
  return std::equal(expected.begin(), expected.end(), signature.begin());
}

}  // namespace trellis::crypto::sr25519
