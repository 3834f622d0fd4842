// Validation of a deployment and the hash that its contract carries.
#pragma once

#include "kernel/crypto/hash.hpp"
#include "kernel/grid/examiner.hpp"

#include <trellis/result.hpp>

#include <span>
#include <string>
#include <vector>

namespace trellis::grid {

using ChallengeDigest = crypto::Md5Digest;

/// What validation found out, so that nothing is examined twice.
struct Validated {
  std::vector<Examined> examined;  ///< one per workload, in document order
  ChallengeDigest hash{};

  /// The text on the contract: 32 lower-case hex digits.
  [[nodiscard]] std::string hash_text() const { return crypto::Hex(hash); }
};

/// All rules, in order; the first that fails ends. kInvalid `[reason] sentence`; kUnavailable when
/// the plugin of a type is not running.
Result<Validated> Validate(Deployment const& deployment, TypeExaminer& types);

/// The challenge bytes of one workload, given those of its data.
std::string WorkloadChallenge(Workload const& workload, std::string_view data_challenge);

/// The challenge bytes, given what Validate found.
std::string Challenge(Deployment const& deployment, std::span<Examined const> examined);

/// The challenge bytes of a deployment that need not be valid. kInvalid `[no_challenge]` when a
/// type is unknown or data does not decode; kUnavailable.
Result<std::string> Challenge(Deployment const& deployment, TypeExaminer& types);

/// MD5 of the challenge bytes. Errors of Challenge.
Result<ChallengeDigest> ChallengeHash(Deployment const& deployment, TypeExaminer& types);

/// The message came from the deployment's twin. kInvalid `[twin_mismatch]`.
Result<void> CheckSender(Deployment const& deployment, std::uint32_t sender);

/// The first version is 0. kInvalid `[create_version]`.
Result<void> CheckFirstVersion(Deployment const& deployment);

}  // namespace trellis::grid
