#include "kernel/grid/signatures.hpp"

#include <algorithm>
#include <limits>
#include <set>

namespace trellis::grid {
namespace {

constexpr std::string_view kPolkaWallet = "polka-wallet";

// Wallets in browsers sign texts only, wrapped like this.
std::string Message(Deployment const& deployment, ChallengeDigest const& hash) {
  if (deployment.signature_requirement.signature_style == kPolkaWallet)
    return fmt::format("<Bytes>{}</Bytes>", crypto::Hex(hash));
  return std::string(crypto::AsText(hash));
}

template <class... Args>
tl::unexpected<Error> Denied(std::string_view reason, fmt::format_string<Args...> format,
                             Args&&... args) {
  return Fail(Code::kDenied, "[{}] {}", reason, fmt::format(format, std::forward<Args>(args)...));
}

template <class Signatures>
auto FirstOf(Signatures& signatures, std::uint32_t twin) {
  return std::find_if(signatures.begin(), signatures.end(),
                      [&](auto const& entry) { return entry.twin_id == twin; });
}

bool IsGood(crypto::KeyCache* keys, crypto::KeyType type, crypto::PublicKey const& key,
            crypto::BytesView message, crypto::BytesView signature) {
  return keys != nullptr ? keys->Verify(type, key, message, signature)
                         : crypto::Verify(type, key, message, signature);
}

Result<void> CheckOne(Signature const& entry, std::string_view message, KeyLookup const& lookup,
                      crypto::KeyCache* keys) {
  auto const key = lookup(entry.twin_id);
  if (!key && key.error().code == Code::kNotFound)
    return Denied("unknown_twin", "signing twin {} does not exist", entry.twin_id);
  if (!key) return tl::unexpected<Error>(key.error());
  auto const bytes = crypto::FromHex(entry.signature);
  if (!bytes) return Denied("signature_hex", "signature of twin {} is not hex", entry.twin_id);
  auto const type =
      entry.signature_type == "sr25519" ? crypto::KeyType::kSr25519 : crypto::KeyType::kEd25519;
  if (!IsGood(keys, type, *key, crypto::AsBytes(message), *bytes))
    return Denied("bad_signature", "{} signature of twin {} does not match the deployment",
                  crypto::ToText(type), entry.twin_id);
  return {};
}

std::uint64_t AddSaturating(std::uint64_t a, std::uint64_t b) {
  return a > std::numeric_limits<std::uint64_t>::max() - b
             ? std::numeric_limits<std::uint64_t>::max()
             : a + b;
}

}  // namespace

void Sign(Deployment& deployment, std::uint32_t twin, crypto::Signer const& signer,
          ChallengeDigest const& hash) {
  auto const message = Message(deployment, hash);
  Signature made{twin, crypto::Hex(signer.Sign(crypto::AsBytes(message))),
                 std::string(crypto::ToText(signer.type()))};
  auto& signatures = deployment.signature_requirement.signatures;
  if (auto const found = FirstOf(signatures, twin); found != signatures.end())
    *found = std::move(made);
  else
    signatures.push_back(std::move(made));
}

Result<void> Verify(Deployment const& deployment, ChallengeDigest const& hash,
                    KeyLookup const& lookup, crypto::KeyCache* keys) {
  auto const& requirement = deployment.signature_requirement;
  auto const message = Message(deployment, hash);
  std::set<std::uint32_t> good;  // a repeated request counts again but is not computed again
  bool originator = false;
  std::uint64_t weight = 0;
  for (auto const& request : requirement.requests) {
    bool const is_originator = request.twin_id == deployment.twin_id;
    originator = originator || is_originator;
    auto const entry = FirstOf(requirement.signatures, request.twin_id);
    if (entry == requirement.signatures.end()) {
      if (request.required || is_originator)
        return Denied("missing_signature", "the signature of twin {} is missing", request.twin_id);
      continue;
    }
    if (!good.contains(request.twin_id)) TRELLIS_CHECK(CheckOne(*entry, message, lookup, keys));
    good.insert(request.twin_id);
    weight = AddSaturating(weight, request.weight);
  }
  if (!originator)
    return Denied("originator", "no signature request names the deployment's twin {}",
                  deployment.twin_id);
  if (weight < requirement.weight_required)
    return Denied("weight", "signatures have weight {}, {} is required", weight,
                  requirement.weight_required);
  return {};
}

}  // namespace trellis::grid
