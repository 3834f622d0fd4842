#include "kernel/crypto/derivation.hpp"

#include "kernel/crypto/hash.hpp"
#include "kernel/crypto/sr25519.hpp"

#include <sodium.h>

#include <algorithm>
#include <charconv>

namespace trellis::crypto {
namespace {

constexpr std::string_view kDevelopmentPhrase =
    "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
constexpr std::string_view kEd25519Label = "Ed25519HDKD";

// The length prefix of SCALE, and the bytes. Lengths here are below 2^14.
Bytes ScaleText(std::string_view text) {
  Bytes out;
  auto const size = text.size();
  if (size < 64) {
    out.push_back(static_cast<std::uint8_t>(size << 2U));
  } else {
    auto const prefix = (size << 2U) | 1U;
    out.push_back(static_cast<std::uint8_t>(prefix & 0xffU));
    out.push_back(static_cast<std::uint8_t>(prefix >> 8U));
  }
  out.insert(out.end(), text.begin(), text.end());
  return out;
}

ChainCode ChainCodeOf(std::string_view junction) {
  ChainCode code{};
  std::uint64_t number = 0;
  auto const* end = junction.data() + junction.size();
  auto const parsed = std::from_chars(junction.data(), end, number);
  if (parsed.ec == std::errc{} && parsed.ptr == end) {
    for (std::size_t i = 0; i < sizeof number; ++i)
      code[i] = static_cast<std::uint8_t>((number >> (8 * i)) & 0xffU);
    return code;
  }
  auto const encoded = ScaleText(junction);
  if (encoded.size() > code.size()) return Blake2b256(encoded);
  std::copy(encoded.begin(), encoded.end(), code.begin());
  return code;
}

Seed TakeSeed(std::array<std::uint8_t, 32>& bytes) {
  Seed seed{bytes};
  sodium_memzero(bytes.data(), bytes.size());
  return seed;
}

Seed HardEd25519(std::span<std::uint8_t const, 32> parent, ChainCode const& code) {
  auto input = ScaleText(kEd25519Label);
  input.insert(input.end(), parent.begin(), parent.end());
  input.insert(input.end(), code.begin(), code.end());
  auto child = Blake2b256(input);
  sodium_memzero(input.data(), input.size());
  return TakeSeed(child);
}

Seed HardSr25519(std::span<std::uint8_t const, 64> parent, ChainCode const& code) {
  auto child = sr25519::DeriveHard(parent, code);
  return TakeSeed(child);
}

Seed HardSeed(KeyType type, Seed const& parent, ChainCode const& code) {
  if (type == KeyType::kEd25519) return HardEd25519(parent.view(), code);
  auto secret = sr25519::Expand(parent.view());
  auto seed = HardSr25519(secret, code);
  sodium_memzero(secret.data(), secret.size());
  return seed;
}

}  // namespace

Result<std::vector<Junction>> ParsePath(std::string_view path) {
  if (path.size() > kMaxPathBytes)
    return Fail(Code::kInvalid, "derivation path is longer than {} bytes", kMaxPathBytes);
  std::vector<Junction> out;
  while (!path.empty()) {
    if (path.front() != '/') return Fail(Code::kInvalid, "derivation path does not start with '/'");
    Junction junction;
    junction.hard = path.starts_with("//");
    path.remove_prefix(junction.hard ? 2 : 1);
    auto const text = path.substr(0, path.find('/'));
    if (text.empty()) return Fail(Code::kInvalid, "derivation path has an empty junction");
    junction.chain_code = ChainCodeOf(text);
    out.push_back(junction);
    path.remove_prefix(text.size());
  }
  return out;
}

Result<Signer> Signer::Child(Junction const& junction) const {
  std::span<std::uint8_t const, 64> const secret = secret_;
  auto const& code = junction.chain_code;
  if (type_ == KeyType::kEd25519) {
    if (!junction.hard) return Fail(Code::kInvalid, "an ed25519 key has no soft junctions");
    return FromSeed(type_, HardEd25519(secret.first<32>(), code).view());
  }
  if (junction.hard) return FromSeed(type_, HardSr25519(secret, code).view());
  Signer child;
  child.type_ = type_;
  child.secret_ = sr25519::DeriveSoft(secret, public_key_, code);
  child.public_key_ = sr25519::PublicKeyOf(child.secret_);
  return child;
}

Result<Signer> Derive(Signer const& parent, std::string_view path) {
  TRELLIS_TRY(auto const junctions, ParsePath(path));
  Signer signer = parent;
  for (auto const& junction : junctions) {
    TRELLIS_TRY(signer, signer.Child(junction));
  }
  return signer;
}

Result<Seed> SeedFromSecret(KeyType type, std::string_view secret) {
  std::string_view password;
  if (auto const at = secret.find("///"); at != std::string_view::npos) {
    password = secret.substr(at + 3);
    secret = secret.substr(0, at);
  }
  auto const phrase = secret.substr(0, secret.find('/'));
  TRELLIS_TRY(auto const junctions, ParsePath(secret.substr(phrase.size())));
  if (phrase.empty() && junctions.empty()) return Fail(Code::kInvalid, "the secret is empty");
  auto const words = phrase.empty() ? kDevelopmentPhrase : phrase;
  bool const is_mnemonic = words.find_first_of(" \t\r\n") != std::string_view::npos;
  TRELLIS_TRY(auto seed, is_mnemonic ? MiniSecret(words, password) : SeedFromText(words));
  for (auto const& junction : junctions) {
    if (!junction.hard)
      return Fail(Code::kInvalid, "a key file cannot hold a key with a soft junction in its path");
    seed = HardSeed(type, seed, junction.chain_code);
  }
  return seed;
}

}  // namespace trellis::crypto
