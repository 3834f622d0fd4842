#include "kernel/grid/deployment.hpp"

#include "kernel/grid/names.hpp"

#include <algorithm>

namespace trellis::grid {
namespace {

std::string Quoted(std::string_view text) {
  return boost::json::serialize(json::Value(boost::json::string(text)));
}

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

Result<Deployment> Decode(std::string_view text) {
  TRELLIS_CHECK(json::ParseValue(text));  // from here on the text is well formed
  Deployment deployment;
  auto const value = TrimJson(text);
  if (value == "null") return Fail(Code::kDecode, "expected object, got null");
  TRELLIS_CHECK(DecodeRaw(value, deployment));
  return deployment;
}

}  // namespace

Result<Workload const*> Deployment::Get(std::string_view name) const {
  if (!IsValidName(name)) return Invalid("name", "invalid workload name '{}'", name);
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

Result<Deployment> ParseDeployment(std::string_view json) {
  if (json.size() > kMaxDocumentBytes)
    return Invalid("decode", "deployment of {} bytes is larger than {}", json.size(),
                   kMaxDocumentBytes);
  auto deployment = Decode(json);
  if (!deployment) return Fail(deployment.error().code, "[decode] {}", deployment.error().message);
  TRELLIS_CHECK(CheckLimits(*deployment));
  return deployment;
}

std::string ToJson(WorkloadResult const& result) {
  return fmt::format(R"({{"created":{},"state":{},"message":{},"data":{}}})",
                     result.created.seconds, Quoted(result.state), Quoted(result.message),
                     result.data.OrNull());
}

std::string ToJson(Workload const& workload) {
  return fmt::format(
      R"({{"version":{},"name":{},"type":{},"data":{},"metadata":{},"description":{},"result":{}}})",
      workload.version, Quoted(workload.name), Quoted(workload.type), workload.data.OrNull(),
      Quoted(workload.metadata), Quoted(workload.description), ToJson(workload.result));
}

std::string ToJson(Deployment const& deployment) {
  std::vector<std::string> workloads;
  workloads.reserve(deployment.workloads.size());
  for (auto const& workload : deployment.workloads)
    workloads.push_back(ToJson(workload));
  return fmt::format(
      R"({{"version":{},"twin_id":{},"contract_id":{},"metadata":{},"description":{},"expiration":{},"signature_requirement":{},"workloads":[{}]}})",
      deployment.version, deployment.twin_id, deployment.contract_id, Quoted(deployment.metadata),
      Quoted(deployment.description), deployment.expiration.seconds,
      json::Dump(deployment.signature_requirement), fmt::join(workloads, ","));
}

}  // namespace trellis::grid
