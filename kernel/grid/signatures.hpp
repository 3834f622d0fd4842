// Who signed a deployment, and signing one.
#pragma once

#include "kernel/crypto/keys.hpp"
#include "kernel/crypto/prepared_key.hpp"
#include "kernel/grid/deployment.hpp"
#include "kernel/grid/validate.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <functional>

namespace trellis::grid {

/// The account key of a twin; kNotFound when there is no such twin.
using KeyLookup = std::function<Result<crypto::PublicKey>(std::uint32_t twin)>;

/// Replaces or appends the twin's signature over `hash` in the deployment's signature style.
void Sign(Deployment& deployment, std::uint32_t twin, crypto::Signer const& signer,
          ChallengeDigest const& hash);

/// Checks the signatures against the requirement. kDenied `[reason] sentence`: missing_signature,
/// unknown_twin, signature_hex, bad_signature, originator, weight. Other errors of `lookup` pass.
/// `keys`, which may be null, makes it quicker for those who sign often.
Result<void> Verify(Deployment const& deployment, ChallengeDigest const& hash,
                    KeyLookup const& lookup, crypto::KeyCache* keys = nullptr);

}  // namespace trellis::grid
