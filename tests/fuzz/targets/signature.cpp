// A signature requirement as JSON, or a raw signature: one byte that chooses the key type, the key,
// the signature, the message.
#include "kernel/grid/signatures.hpp"
#include "tests/fuzz/target.hpp"

#include <map>

namespace trellis::fuzz::signature {

void Run(std::string_view input);

namespace {

using crypto::KeyType;
using crypto::Signer;

std::map<std::uint32_t, Signer> const& Signers() {
  static auto const kSigners = [] {
    std::map<std::uint32_t, Signer> signers;
    for (std::uint32_t const twin : {7U, 8U, 9U, 11U}) {
      std::array<std::uint8_t, 32> seed{};
      seed[0] = static_cast<std::uint8_t>(twin);
      auto const type = twin == 8 || twin == 11 ? KeyType::kSr25519 : KeyType::kEd25519;
      signers.emplace(twin, Signer::FromSeed(type, seed));
    }
    return signers;
  }();
  return kSigners;
}

Result<crypto::PublicKey> Lookup(std::uint32_t twin) {
  auto const found = Signers().find(twin);
  if (found == Signers().end()) return Fail(Code::kNotFound, "no twin {}", twin);
  return found->second.public_key();
}

std::string ReasonOf(Result<void> const& verified) {
  return verified ? "" : grid::SplitReason(verified.error().message).reason;
}

void CheckRequirement(grid::SignatureRequirement requirement) {
  grid::ChallengeDigest const hash{1, 2, 3};
  grid::Deployment deployment;
  deployment.twin_id = 7;
  deployment.signature_requirement = std::move(requirement);
  auto const reason = ReasonOf(grid::Verify(deployment, hash, Lookup));
  Require(reason == ReasonOf(grid::Verify(deployment, hash, Lookup)), "the verdict is stable");
  // With good signatures of everybody who can sign, only weight and originator may be missing.
  auto& requests = deployment.signature_requirement.requests;
  std::erase_if(requests, [](auto const& request) { return !Signers().contains(request.twin_id); });
  for (auto const& [twin, signer] : Signers())
    grid::Sign(deployment, twin, signer, hash);
  auto const signed_reason = ReasonOf(grid::Verify(deployment, hash, Lookup));
  Require(signed_reason.empty() || signed_reason == "weight" || signed_reason == "originator",
          "own signatures verify");
}

void CheckRaw(std::string_view input) {
  constexpr std::size_t kKey = 32;
  constexpr std::size_t kSignature = 64;
  if (input.size() < 1 + kKey + kSignature) return;
  auto const type = (input[0] & 1) == 0 ? KeyType::kEd25519 : KeyType::kSr25519;
  auto const bytes = crypto::AsBytes(input.substr(1));
  auto const key = bytes.first(kKey);
  auto const rest = bytes.subspan(kKey);
  auto const message = rest.subspan(kSignature);
  bool const good = crypto::Verify(type, key, message, rest.first(kSignature));
  Require(!crypto::Verify(type, key, message, rest.first(kSignature - 1)), "length counts");
  if (!good) return;
  crypto::Bytes changed(message.begin(), message.end());
  changed.push_back(0);
  Require(!crypto::Verify(type, key, changed, rest.first(kSignature)), "the message counts");
}

}  // namespace

void Run(std::string_view input) {
  if (auto const bytes = crypto::FromHex(input); bytes) {
    auto const hex = crypto::Hex(*bytes);
    Require(crypto::FromHex(hex).value() == *bytes, "hex comes back");
  }
  auto requirement = json::ParseObject<grid::SignatureRequirement>(input);
  if (!requirement) {
    CheckRaw(input);
  } else if (requirement->requests.size() <= 8 && requirement->signatures.size() <= 8) {
    CheckRequirement(*std::move(requirement));  // more of them only take longer
  }
}

}  // namespace trellis::fuzz::signature
