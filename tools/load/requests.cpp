#include "tools/load/requests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <random>

namespace trellis::load {
namespace {

std::string_view CommandOf(Kind kind) {
  switch (kind) {
    case Kind::kDeploy:
      return "zos.deployment.deploy";
    case Kind::kUpdate:
      return "zos.deployment.update";
    case Kind::kGet:
      return "zos.deployment.get";
    case Kind::kList:
      return "zos.deployment.list";
    case Kind::kChanges:
      return "zos.deployment.changes";
    case Kind::kStatistics:
      return "zos.statistics.get";
    case Kind::kVersion:
      return "zos.system.version";
    case Kind::kDelete:
      break;
  }
  return "";
}

std::vector<std::size_t> PlacesOf(std::vector<Kind> const& kinds, Kind wanted) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (kinds[i] == wanted) places.push_back(i);
  }
  return places;
}

bool IsQuestion(Kind kind) {
  return kind != Kind::kDeploy && kind != Kind::kUpdate && kind != Kind::kDelete;
}

}  // namespace

std::string MakeUid(std::string_view run, std::size_t index) {
  return fmt::format("{}-{}", run, index);
}

std::size_t IndexOf(std::string_view uid, std::string_view run) {
  std::size_t index = SIZE_MAX;
  if (uid.size() <= run.size() + 1 || !uid.starts_with(run)) return index;
  auto const number = uid.substr(run.size() + 1);
  std::from_chars(number.data(), number.data() + number.size(), index);
  return index;
}

Workbook::Workbook(Options const& options, std::vector<Twin> const& twins, std::uint32_t node_twin,
                   Registry* registry, std::string run)
    : options_(options),
      twins_(twins),
      node_twin_(node_twin),
      registry_(registry),
      run_(std::move(run)) {}

void Workbook::StartBatch() {
  batch_ = fmt::format("{}.{}", run_, batches_++);
  next_uid_ = 0;
}

Request Workbook::Sign(Kind kind, std::size_t session, std::uint64_t contract,
                       std::string payload) {
  Request request;
  request.kind = kind;
  request.session = session;
  request.contract = contract;
  request.bytes = twins_[session].Request(node_twin_, MakeUid(batch_, next_uid_++),
                                          std::string(CommandOf(kind)), std::move(payload));
  return request;
}

Result<std::vector<Stored>> Workbook::NewContracts(std::size_t count) {
  std::vector<Stored> made;
  made.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto const owner = i % options_.connections;
    auto const serial = fmt::format("{}-{}", run_, next_serial_++);
    made.push_back({owner, i + 1, Document::Make(twins_[owner].id, serial, options_.shape)});
  }
  if (registry_ != nullptr) TRELLIS_CHECK(registry_->AddContracts(twins_, made));
  return made;
}

Result<std::vector<Request>> Workbook::Deploys(std::size_t count) {
  StartBatch();
  TRELLIS_TRY(auto made, NewContracts(count));
  std::vector<Request> requests;
  requests.reserve(count);
  for (auto& one : made) {
    requests.push_back(Sign(Kind::kDeploy, one.owner, one.contract,
                            one.document.Sign(twins_[one.owner], one.contract)));
    stored_.push_back(std::move(one));
  }
  return requests;
}

Request Workbook::Ask(Kind kind, std::size_t session, std::uint64_t contract) {
  bool const about = kind == Kind::kGet || kind == Kind::kChanges;
  return Sign(kind, session, contract,
              about ? fmt::format(R"({{"contract_id":{}}})", contract) : std::string("null"));
}

Result<std::vector<Request>> Workbook::NextVersion() {
  StartBatch();
  auto& one = stored_.front();
  one.document = one.document.Next(options_.change);
  TRELLIS_CHECK(registry_->UpdateContracts(twins_, std::span(stored_).first(1)));
  return std::vector<Request>{Sign(Kind::kUpdate, one.owner, one.contract,
                                   one.document.Sign(twins_[one.owner], one.contract))};
}

std::vector<Request> Workbook::Gets(
    std::vector<std::pair<std::size_t, std::uint64_t>> const& deployments) {
  StartBatch();
  std::vector<Request> requests;
  for (auto const& [session, contract] : deployments)
    requests.push_back(Ask(Kind::kGet, session, contract));
  return requests;
}

Result<void> Workbook::AddDeploys(std::vector<Kind> const& kinds, std::vector<Request>& out) {
  auto const places = PlacesOf(kinds, Kind::kDeploy);
  TRELLIS_TRY(auto const made, NewContracts(places.size()));
  for (std::size_t i = 0; i < places.size(); ++i) {
    next_uid_ = places[i];
    auto const& one = made[i];
    out[places[i]] = Sign(Kind::kDeploy, one.owner, one.contract,
                          one.document.Sign(twins_[one.owner], one.contract));
  }
  return {};
}

Result<void> Workbook::AddUpdates(std::vector<Kind> const& kinds, std::vector<Request>& out) {
  auto const places = PlacesOf(kinds, Kind::kUpdate);
  if (places.empty()) return {};
  auto const left = stored_.size() - updated_ - deleted_;
  if (left < places.size())
    return Fail(Code::kInvalid, "{} updates, but only {} preloaded deployments are left",
                places.size(), left);
  auto const first = updated_;
  updated_ += places.size();
  for (auto i = first; i < updated_; ++i)
    stored_[i].document = stored_[i].document.Next(options_.change);
  if (registry_ != nullptr)
    TRELLIS_CHECK(
        registry_->UpdateContracts(twins_, std::span(stored_).subspan(first, places.size())));
  for (std::size_t i = 0; i < places.size(); ++i) {
    auto const& one = stored_[first + i];
    next_uid_ = places[i];
    out[places[i]] = Sign(Kind::kUpdate, one.owner, one.contract,
                          one.document.Sign(twins_[one.owner], one.contract));
  }
  return {};
}

Result<void> Workbook::AddDeletes(std::vector<Kind> const& kinds, std::vector<Request>& out) {
  auto const places = PlacesOf(kinds, Kind::kDelete);
  if (stored_.size() - updated_ - deleted_ < places.size())
    return Fail(Code::kInvalid, "{} deletes, but not as many preloaded deployments are left",
                places.size());
  for (auto const place : places) {
    auto const& one = stored_[stored_.size() - ++deleted_];
    out[place].kind = Kind::kDelete;
    out[place].session = one.owner;
    out[place].contract = one.contract;
  }
  return {};
}

Result<void> Workbook::AddQuestions(std::vector<Kind> const& kinds, std::vector<Request>& out) {
  if (std::none_of(kinds.begin(), kinds.end(), IsQuestion)) return {};
  constexpr std::size_t kTargets = 1000;  // of each twin
  std::vector<std::vector<std::uint64_t>> targets(options_.connections);
  for (std::size_t i = 0; i + deleted_ < stored_.size(); ++i) {
    if (auto& mine = targets[stored_[i].owner]; mine.size() < kTargets)
      mine.push_back(stored_[i].contract);
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (!targets[i].empty() || registry_ == nullptr) continue;
    TRELLIS_TRY(targets[i], registry_->ContractsOf(twins_[i].id, kTargets));
  }
  std::mt19937_64 random(options_.seed);
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (!IsQuestion(kinds[i])) continue;
    auto const session = i % options_.connections;
    auto const& mine = targets[session];
    auto const contract = mine.empty() ? 0 : mine[random() % mine.size()];
    next_uid_ = i;
    out[i] = Ask(kinds[i], session, contract);
  }
  return {};
}

Result<std::vector<Request>> Workbook::Mixed(std::vector<Kind> const& kinds) {
  StartBatch();
  std::vector<Request> requests(kinds.size());
  TRELLIS_CHECK(AddDeploys(kinds, requests));
  TRELLIS_CHECK(AddUpdates(kinds, requests));
  TRELLIS_CHECK(AddDeletes(kinds, requests));
  TRELLIS_CHECK(AddQuestions(kinds, requests));
  return requests;
}

}  // namespace trellis::load
