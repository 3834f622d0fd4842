// Validation and the challenge of whole deployments.
#pragma once

#include "kernel/grid/deployment.hpp"

#include <array>
#include <vector>

namespace trellis::grid {

using Hash = std::array<std::uint8_t, 16>;

struct Validated {
  std::vector<Examined> workloads;  ///< in document order
};

/// The rules in order; the first failure as kInvalid "[reason] sentence" naming the workload.
/// kUnavailable when a type's plugin is not running.
Result<Validated> Validate(Deployment const& deployment, TypeExaminer& types);
/// The exact bytes clients hash.
[[nodiscard]] std::string Challenge(Deployment const& deployment,
                                    std::vector<Examined> const& examined);
[[nodiscard]] Hash ChallengeHash(Deployment const& deployment,
                                 std::vector<Examined> const& examined);
/// Lower-case hex: what the contract holds.
[[nodiscard]] std::string HashHex(Hash const& hash);

}  // namespace trellis::grid
