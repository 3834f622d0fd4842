#include "tools/load/document.hpp"

#include <fmt/format.h>

namespace trellis::load {
namespace {

constexpr std::size_t kHeader = 620;    // bytes of a document around its workloads
constexpr std::size_t kWorkload = 210;  // bytes of a workload around its settings
constexpr std::size_t kSetting = 52;    // bytes of one setting
constexpr std::size_t kPayload = 32;

/// Texts as a machine's environment has them, so that parsing them costs what it usually does.
void FillData(grid::Workload& workload, grid::Examined& examined, std::string_view payload,
              std::size_t settings) {
  std::string text = fmt::format(R"({{"payload":"{}","settings":{{)", payload);
  examined.challenge = payload;
  for (std::size_t i = 0; i < settings; ++i) {
    auto const name = fmt::format("APP_SETTING_{:03}", i);
    auto const value = fmt::format("value-{}", std::string(24, static_cast<char>('a' + i % 26)));
    text += fmt::format(R"({}"{}":"{}")", i > 0 ? "," : "", name, value);
    examined.challenge += name + value;
  }
  workload.data.text = text + "}}";
}

std::string Payload(std::string_view serial, std::size_t workload, std::uint32_t version) {
  auto text = fmt::format("{}-{}-{}-", serial, workload, version);
  text.resize(std::max(text.size(), kPayload), 'p');
  return text;
}

}  // namespace

Document Document::Make(std::uint32_t twin, std::string_view serial, Shape const& shape) {
  Document document;
  auto& deployment = document.deployment;
  deployment.twin_id = twin;
  deployment.metadata =
      fmt::format(R"({{"type":"noop","name":"{}","projectName":"load"}})", serial);
  deployment.description = "load";
  deployment.signature_requirement.requests.push_back({twin, true, 1});
  deployment.signature_requirement.weight_required = 1;
  auto const around = kHeader + kWorkload * shape.workloads;
  auto const room = shape.bytes > around ? shape.bytes - around : 0;
  auto const settings = room / kSetting / std::max<std::size_t>(shape.workloads, 1);
  for (std::size_t i = 0; i < shape.workloads; ++i) {
    auto& workload = deployment.workloads.emplace_back();
    workload.name = fmt::format("work{}", i);
    workload.type = "noop";
    workload.metadata = R"({"owner":"load"})";
    workload.description = "load";
    FillData(workload, document.examined.emplace_back(), Payload(serial, i, 0), settings);
  }
  return document;
}

Document Document::Next(Change change) const {
  auto next = *this;
  auto const version = ++next.deployment.version;
  auto& workloads = next.deployment.workloads;
  if (change == Change::kRemove) {
    workloads.pop_back();
    next.examined.pop_back();
    return next;
  }
  auto const added = workloads.size();
  if (change == Change::kAdd) {
    workloads.push_back(workloads.front());
    workloads.back().name = fmt::format("work{}", added);
    next.examined.push_back(next.examined.front());
  }
  workloads.back().version = version;
  FillData(workloads.back(), next.examined.back(),
           Payload(next.deployment.metadata.substr(24, 12), added, version), 4);
  return next;
}

grid::ChallengeDigest Document::hash() const {
  return crypto::Md5(
      crypto::AsBytes(grid::Challenge(deployment, std::span<grid::Examined const>(examined))));
}

std::string Document::Sign(Twin const& twin, std::uint64_t contract) const {
  auto copy = deployment;
  copy.contract_id = contract;
  grid::Sign(copy, twin.id, twin.signer, hash());
  return grid::ToJson(copy);
}

}  // namespace trellis::load
