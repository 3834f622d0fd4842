#include "kernel/grid/deployment.hpp"

#include "kernel/grid/names.hpp"

#include <algorithm>

namespace trellis::grid {
namespace {

Result<void> CheckLimits(Deployment const& deployment) {
  if (deployment.workloads.size() > kMaxWorkloads)
    return Invalid("decode", "{} workloads are more than {}", deployment.workloads.size(),
                   kMaxWorkloads);
  auto const& requirement = deployment.signature_requirement;
  if (requirement.requests.size() > kMaxSignatures ||
      requirement.signatures.size() > kMaxSignatures)
    return Invalid("decode", "more than {} signatures or signature requests", kMaxSignatures);
  for (auto const& workload : deployment.workloads) {
    if (workload.data.text.size() > kMaxDataBytes)
      return Invalid("decode", "data of workload '{}' has {} bytes, more than {}", workload.name,
                     workload.data.text.size(), kMaxDataBytes);
  }
  return {};
}

}  // namespace

Result<Workload const*> Deployment::Get(std::string_view name) const {
  if (!IsValidName(name)) return Invalid("name", "invalid workload name '{}': {}", name, kNameRule);
  auto const found = std::find_if(workloads.begin(), workloads.end(),
                                  [&](auto const& workload) { return workload.name == name; });
  if (found == workloads.end()) return Fail(Code::kNotFound, "no workload '{}'", name);
  return &*found;
}

std::vector<Workload const*> Deployment::ByType(
    std::initializer_list<std::string_view> types) const {
  std::vector<Workload const*> out;
  for (auto const& workload : workloads) {
    if (std::find(types.begin(), types.end(), workload.type) != types.end())
      out.push_back(&workload);
  }
  return out;
}

Result<Deployment> ParseDeployment(std::string_view text) {
  if (text.size() > kMaxDocumentBytes)
    return Invalid("decode", "deployment of {} bytes is larger than {}", text.size(),
                   kMaxDocumentBytes);
  auto deployment = json::ParseObject<Deployment>(text);
  if (!deployment) return Fail(deployment.error().code, "[decode] {}", deployment.error().message);
  TRELLIS_CHECK(CheckLimits(*deployment));
  return deployment;
}

std::string ToJson(WorkloadResult const& result) {
  return json::Dump(result);
}

std::string ToJson(Workload const& workload) {
  return json::Dump(workload);
}

std::string ToJson(Deployment const& deployment) {
  return json::Dump(deployment);
}

}  // namespace trellis::grid
