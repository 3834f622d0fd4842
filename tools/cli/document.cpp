#include "tools/cli/document.hpp"

#include "kernel/grid/signatures.hpp"
#include "kernel/sys/files.hpp"

#include <trellis/json.hpp>

#include <algorithm>
#include <iterator>

namespace trellis::cli {
namespace {

/// Equal as JSON values, whatever the spelling.
bool SameJson(std::string_view a, std::string_view b) {
  auto const left = json::ParseValue(a);
  auto const right = json::ParseValue(b);
  return left && right && *left == *right;
}

}  // namespace

Result<grid::Deployment> ReadDocument(std::string const& file) {
  auto const text = sys::ReadFile(file == "-" ? "/dev/stdin" : file);
  if (!text) return tl::unexpected<Error>(text.error());
  auto deployment = grid::ParseDeployment(*text);
  if (!deployment) {
    auto const split = grid::SplitReason(deployment.error().message);
    return Fail(deployment.error().code, "[{}] '{}': {}", split.reason, file, split.sentence);
  }
  return *std::move(deployment);
}

void Complete(grid::Deployment& deployment, std::uint32_t twin) {
  if (deployment.twin_id == 0) deployment.twin_id = twin;
  auto& requirement = deployment.signature_requirement;
  if (requirement.requests.empty()) {
    requirement.requests.push_back({deployment.twin_id, false, 1});
    if (requirement.weight_required == 0) requirement.weight_required = 1;
  }
}

Result<std::string> HashOf(ControlClient& control, grid::Deployment const& deployment) {
  TRELLIS_TRY(
      auto const examined,
      control.Call("local.examine", json::Value(boost::json::string(grid::ToJson(deployment)))));
  return json::Parse<std::string>(boost::json::serialize(examined.at("hash")));
}

Result<void> SignWith(grid::Deployment& deployment, std::uint32_t twin, LoadedKey const& key,
                      std::string const& hash) {
  TRELLIS_TRY(auto const bytes, crypto::FromHex(hash));
  TRELLIS_TRY(auto const digest, crypto::Exactly<16>(bytes));
  grid::Sign(deployment, twin, key.signer, digest);
  return {};
}

Result<void> MakeNextVersion(grid::Deployment& next, grid::Deployment const& current) {
  next.twin_id = current.twin_id;
  next.contract_id = current.contract_id;
  next.version = current.version + 1;
  if (next.signature_requirement.requests.empty())
    next.signature_requirement = current.signature_requirement;
  next.signature_requirement.signatures.clear();
  for (auto& workload : next.workloads) {
    auto const old =
        std::find_if(current.workloads.begin(), current.workloads.end(),
                     [&](auto const& candidate) { return candidate.name == workload.name; });
    bool const same =
        old != current.workloads.end() && old->type == workload.type &&
        old->metadata == workload.metadata && old->description == workload.description &&
        SameJson(old->data.text, workload.data.text) && old->result.state != grid::kStateError;
    workload.version = same ? old->version : next.version;
    if (same) workload.data = old->data;
  }
  return {};
}

std::uint32_t CountPublicIps(grid::Deployment const& deployment) {
  std::uint32_t count = 0;
  for (auto const& workload : deployment.workloads) {
    auto const data = json::ParseValue(workload.data.OrNull());
    if (workload.type != "ip" || !data || !data->is_object()) continue;
    auto const* v4 = data->as_object().if_contains("v4");
    if (v4 != nullptr && v4->is_bool() && v4->as_bool()) ++count;
  }
  return count;
}

}  // namespace trellis::cli
