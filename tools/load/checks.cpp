#include "tools/load/checks.hpp"

#include <algorithm>

namespace trellis::load {
namespace {

constexpr std::size_t kConfirmed = 16;

bool AllOk(std::string_view payload) {
  auto const deployment = grid::ParseDeployment(payload);
  return deployment && !deployment->workloads.empty() &&
         std::all_of(deployment->workloads.begin(), deployment->workloads.end(),
                     [](auto const& workload) { return workload.result.state == grid::kStateOk; });
}

}  // namespace

void CheckAnswers(std::vector<std::string> const& answers, crypto::PublicKey const& node,
                  Findings& findings) {
  for (auto const& bytes : answers) {
    auto const envelope = rmb::ParseEnvelope(bytes);
    bool const good = envelope && rmb::CheckSignature(*envelope, node);
    ++(good ? findings.checked_answers : findings.bad_answers);
  }
}

Result<void> Confirm(Driver& driver, Workbook& workbook, Findings& findings) {
  std::vector<std::pair<std::size_t, std::uint64_t>> deployments;
  auto const& requests = *findings.requests;
  auto const step = std::max<std::size_t>(1, requests.size() / kConfirmed);
  for (std::size_t i = 0; i < requests.size(); i += step) {
    auto const& fate = (*findings.fates)[i];
    bool const accepted = fate.answered_us > 0 && fate.code == kNoCode;
    if (requests[i].kind == Kind::kDeploy && accepted)
      deployments.emplace_back(requests[i].session, requests[i].contract);
  }
  if (deployments.empty()) return {};
  auto const questions = workbook.Gets(deployments);
  Driver::Plan plan;
  plan.seen = [&](std::size_t, rmb::Envelope const& answer) {
    ++(AllOk(answer.payload_bytes()) ? findings.confirmed : findings.unconfirmed);
  };
  return driver.Run(questions, workbook.run(), std::move(plan));
}

}  // namespace trellis::load
