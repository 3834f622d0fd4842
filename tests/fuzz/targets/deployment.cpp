// A message is refused, or means the same after writing and reading: rules, challenge and hash.
#include "kernel/grid/deployment.hpp"

#include "kernel/grid/names.hpp"
#include "kernel/grid/upgrade.hpp"
#include "kernel/grid/validate.hpp"
#include "tests/fuzz/nine_types.hpp"
#include "tests/fuzz/target.hpp"

#include <limits>

namespace trellis::fuzz::deployment {

void Run(std::string_view input);

namespace {

using grid::Deployment;

void CheckLimits(Deployment const& sent) {
  Require(sent.workloads.size() <= grid::kMaxWorkloads, "workloads are limited");
  Require(sent.signature_requirement.requests.size() <= grid::kMaxSignatures,
          "signature requests are limited");
  for (auto const& workload : sent.workloads)
    Require(workload.data.text.size() <= grid::kMaxDataBytes, "data is limited");
}

std::string VerdictOf(Result<grid::Validated> const& validated) {
  return validated ? validated->hash_text() : validated.error().message;
}

void CheckHash(Deployment const& sent, Deployment const& again, grid::TypeExaminer& types) {
  auto const challenge = grid::Challenge(sent, types);
  auto const same = grid::Challenge(again, types);
  Require(challenge.has_value() == same.has_value(), "a challenge survives writing and reading");
  Require(!challenge || *challenge == *same, "the challenge is the same after writing and reading");
  auto const validated = grid::Validate(sent, types);
  Require(VerdictOf(validated) == VerdictOf(grid::Validate(again, types)),
          "the verdict is the same after writing and reading");
  if (!validated) return;
  Require(challenge && validated->hash == crypto::Md5(crypto::AsBytes(*challenge)),
          "a valid deployment's hash is that of its challenge");
  for (auto const& workload : sent.workloads)
    Require(sent.Get(workload.name).has_value(), "workloads of a valid deployment can be found");
}

// The next version that changes nothing has nothing to do.
void CheckNextVersion(Deployment const& sent, grid::TypeExaminer& types) {
  if (sent.version == std::numeric_limits<std::uint32_t>::max()) return;
  for (auto const& workload : sent.workloads) {
    if (workload.version > sent.version) return;  // not valid, though its next version may be
  }
  auto next = sent;
  ++next.version;
  auto const upgrade = grid::PlanUpgrade(sent, next, types);
  if (!upgrade) return;
  Require(upgrade->ops.empty(), "an unchanged deployment needs no operation");
  Require(upgrade->merged.workloads.size() == sent.workloads.size(), "and keeps its workloads");
}

}  // namespace

void Run(std::string_view input) {
  static auto types = NineTypes();
  auto const sent = grid::ParseDeployment(input);
  if (!sent) return;
  CheckLimits(*sent);
  auto const written = grid::ToJson(*sent);
  auto const again = grid::ParseDeployment(written);
  // Escapes and the members that were left out may make the text longer than a message may be.
  if (!again && written.size() > grid::kMaxDocumentBytes) return;
  Require(again.has_value(), "what was written can be read");
  Require(grid::ToJson(*again) == written, "writing is stable");
  CheckHash(*sent, *again, types);
  CheckNextVersion(*sent, types);
}

}  // namespace trellis::fuzz::deployment
