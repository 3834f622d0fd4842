#include "kernel/grid/validate.hpp"

#include "kernel/grid/names.hpp"

#include <set>

namespace trellis::grid {
namespace {

void Append(std::string& out, std::uint64_t number) {
  fmt::format_to(std::back_inserter(out), "{}", number);
}

// Names the workload in the type's answer and sorts it into the refusals.
Error ExamineError(Workload const& workload, Error error) {
  auto const [reason, sentence] = SplitReason(error.message);
  if (error.code != Code::kDecode && error.code != Code::kInvalid)
    return std::move(error).With("workload '{}'", workload.name);
  std::string const code = error.code == Code::kDecode || reason.empty() ? "data_decode" : reason;
  return {Code::kInvalid, fmt::format("[{}] workload '{}': {}", code, workload.name, sentence)};
}

Result<Examined> Examine(Deployment const& deployment, Workload const& workload,
                         TypeExaminer& types, bool check_valid) {
  if (workload.type.empty()) return Invalid("type", "workload '{}' has no type", workload.name);
  if (!types.Known(workload.type))
    return Invalid("type", "workload '{}' has unknown type '{}'", workload.name, workload.type);
  if (!workload.data.IsObject())
    return Invalid("data_decode", "data of workload '{}' is no object", workload.name);
  auto examined = types.Examine(deployment, workload, check_valid);
  if (!examined) return tl::unexpected<Error>(ExamineError(workload, std::move(examined).error()));
  return examined;
}

}  // namespace

Result<Validated> Validate(Deployment const& deployment, TypeExaminer& types) {
  Validated out;
  out.examined.reserve(deployment.workloads.size());
  std::set<std::string_view> names;
  for (auto const& workload : deployment.workloads) {
    if (workload.version > deployment.version)
      return Invalid("workload_version",
                     "version {} of workload '{}' is above the deployment version {}",
                     workload.version, workload.name, deployment.version);
    if (!IsValidName(workload.name))
      return Invalid("name", "invalid workload name '{}': {}", workload.name, kNameRule);
    if (!names.insert(workload.name).second)
      return Invalid("duplicate_name", "there is more than one workload '{}'", workload.name);
    TRELLIS_TRY(auto examined, Examine(deployment, workload, types, /*check_valid=*/true));
    out.examined.push_back(std::move(examined));
  }
  out.hash = crypto::Md5(crypto::AsBytes(Challenge(deployment, out.examined)));
  return out;
}

std::string WorkloadChallenge(Workload const& workload, std::string_view data_challenge) {
  std::string out;
  Append(out, workload.version);
  out += workload.name;
  out += workload.type;
  out += workload.metadata;
  out += workload.description;
  out += data_challenge;
  return out;
}

std::string Challenge(Deployment const& deployment, std::span<Examined const> examined) {
  std::string out;
  Append(out, deployment.version);
  Append(out, deployment.twin_id);
  out += deployment.metadata;
  out += deployment.description;
  fmt::format_to(std::back_inserter(out), "{}", deployment.expiration.seconds);
  for (std::size_t i = 0; i < deployment.workloads.size(); ++i)
    out += WorkloadChallenge(deployment.workloads[i], examined[i].challenge);
  for (auto const& request : deployment.signature_requirement.requests) {
    Append(out, request.twin_id);
    out += request.required ? "true" : "false";
    Append(out, request.weight);
  }
  Append(out, deployment.signature_requirement.weight_required);
  out += deployment.signature_requirement.signature_style;
  return out;
}

Result<std::string> Challenge(Deployment const& deployment, TypeExaminer& types) {
  std::vector<Examined> examined;
  examined.reserve(deployment.workloads.size());
  for (auto const& workload : deployment.workloads) {
    auto one = Examine(deployment, workload, types, /*check_valid=*/false);
    if (!one && one.error().code == Code::kInvalid)
      return Invalid("no_challenge", "{}", SplitReason(one.error().message).sentence);
    if (!one) return tl::unexpected<Error>(std::move(one).error());
    examined.push_back(*std::move(one));
  }
  return Challenge(deployment, examined);
}

Result<ChallengeDigest> ChallengeHash(Deployment const& deployment, TypeExaminer& types) {
  TRELLIS_TRY(auto const challenge, Challenge(deployment, types));
  return crypto::Md5(crypto::AsBytes(challenge));
}

Result<void> CheckSender(Deployment const& deployment, std::uint32_t sender) {
  if (deployment.twin_id == sender) return {};
  return Invalid("twin_mismatch", "twin id mismatch (deployment: {}, message: {})",
                 deployment.twin_id, sender);
}

Result<void> CheckFirstVersion(Deployment const& deployment) {
  if (deployment.version == 0) return {};
  return Invalid("create_version",
                 "expected version to be 0 on deployment creation: invalid version");
}

}  // namespace trellis::grid
