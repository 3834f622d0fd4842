// Signatures of deployments.
#pragma once

#include "kernel/crypto/keys.hpp"
#include "kernel/grid/deployment.hpp"
#include "kernel/grid/validation.hpp"

#include <functional>

namespace trellis::grid {

/// The account key of a twin; kNotFound when there is no such twin.
using KeyLookup = std::function<Result<crypto::PublicKey>(std::uint32_t twin)>;

/// kDenied with "[reason] sentence": missing_signature, unknown_twin, signature_hex, bad_signature,
/// originator, weight.
Result<void> Verify(Deployment const& deployment, Hash const& hash, KeyLookup const& lookup);
/// Adds or replaces the twin's signature.
void Sign(Deployment& deployment, std::uint32_t twin, crypto::Signer const& signer,
          Hash const& hash);

}  // namespace trellis::grid
