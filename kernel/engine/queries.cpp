#include "kernel/engine/queries.hpp"

#include "kernel/engine/capacity.hpp"
#include "kernel/engine/view.hpp"

#include <trellis/json.hpp>

#include <utility>
#include <vector>

namespace trellis::engine {
namespace {

constexpr char const* kNotFound = "deployment not found";

tl::unexpected<Refusal> NotFound() {
  return tl::unexpected<Refusal>(Refusal{404, kNotFound, "not_found"});
}

// No way to a client carries more; nothing longer is put together either.
constexpr std::size_t kMostBytes = std::size_t{32} << 20U;

tl::unexpected<Refusal> TooMuch(std::string_view what, std::string_view instead) {
  return tl::unexpected<Refusal>(Refusal{
      413, fmt::format("{} more than {} MiB: {}", what, kMostBytes >> 20U, instead), "too_large"});
}

// Most answers fit; growing would copy them again and again.
constexpr std::size_t kUsualBytes = std::size_t{32} << 10U;

/// A workload that nobody can look after says so, unless it is in error and says why.
void AddTo(WorkloadList& list, store::ShownWorkload workload, TypeMap const& types) {
  bool const okay = workload.state == "ok" || workload.state == "paused";
  if (types.contains(workload.type) || !(okay || workload.message.empty()))
    return list.Add(workload);
  auto const message = NotLoaded(workload.type);
  workload.message = message;
  list.Add(workload);
}

/// Appends the deployment. Is it active: has it a workload that is neither in error nor deleted?
Result<bool> AppendDeployment(store::Database& db, store::DeploymentKey key,
                              std::string_view header, TypeMap const& types, std::string& out) {
  out += '{';
  out += header;
  out += R"(,"workloads":)";
  bool active = false;
  WorkloadList list(out);
  TRELLIS_CHECK(store::ShowWorkloads(db, key, [&](store::ShownWorkload const& workload) {
    active |= workload.state != "error" && workload.state != "deleted";
    AddTo(list, workload, types);
  }));
  list.Close();
  out += '}';
  return active;
}

}  // namespace

tl::unexpected<Refusal> Trouble(Error const& error) {
  bool const later = error.code == Code::kUnavailable || error.code == Code::kTimeout ||
                     error.code == Code::kExhausted || error.code == Code::kIo ||
                     error.code == Code::kBusy;
  return tl::unexpected<Refusal>(
      Refusal{later ? 503 : 500, later ? error.message : "internal error", "internal"});
}

std::string NotLoaded(std::string_view type) {
  return fmt::format("plugin for type '{}' is not loaded", type);
}

Answer Queries::Get(store::DeploymentKey key) {
  auto const types = context_.types.Get();
  auto found = context_.readers.Run([&](store::Database& db) -> Result<std::string> {
    std::string text;
    TRELLIS_TRY(auto const header, store::FindHeader(db, key));
    if (!header.has_value()) return text;
    text.reserve(kUsualBytes);
    TRELLIS_CHECK(AppendDeployment(db, key, *header, *types, text));
    return text;
  });
  if (!found) return Trouble(found.error());
  if (found->empty()) return NotFound();
  return *std::move(found);
}

Answer Queries::List(std::uint32_t twin) {
  auto const types = context_.types.Get();
  bool too_much = false;
  auto list = context_.readers.Run([&](store::Database& db) -> Result<std::string> {
    std::vector<std::pair<std::uint64_t, std::string>> headers;
    TRELLIS_CHECK(
        store::ShowHeaders(db, twin, [&](std::uint64_t contract, std::string_view header) {
          headers.emplace_back(contract, header);
        }));
    std::string text;
    for (auto const& [contract, header] : headers) {
      auto const before = text.size();
      too_much = before > kMostBytes;
      if (too_much) break;
      text += before == 0 ? '[' : ',';
      TRELLIS_TRY(bool const active, AppendDeployment(db, {twin, contract}, header, *types, text));
      if (!active) text.resize(before);
    }
    text += text.empty() ? "[]" : "]";
    return text;
  });
  if (!list) return Trouble(list.error());
  if (too_much)
    return TooMuch("the deployments of this twin are", "ask for one with zos.deployment.get");
  return *std::move(list);
}

Answer Queries::Changes(store::DeploymentKey key) {
  bool too_much = false;
  auto found = context_.readers.Run([&](store::Database& db) -> Result<std::string> {
    std::string text;
    TRELLIS_TRY(auto const head, store::FindHead(db, key));
    if (!head.has_value()) return text;
    WorkloadList list(text);
    TRELLIS_CHECK(store::ShowChanges(db, key, [&](auto const& entry) {
      too_much = text.size() > kMostBytes;
      if (!too_much) list.Add(entry);
    }));
    list.Close();
    return text;
  });
  if (!found) return Trouble(found.error());
  if (found->empty()) return NotFound();
  if (too_much)
    return TooMuch("the entries of this deployment are", "zos.deployment.get has the present ones");
  return *std::move(found);
}

Result<Statistics> Queries::Count() {
  auto const node = MeasureCapacity(context_);
  TRELLIS_TRY(auto const totals, context_.readers.Run(store::ReadTotals));
  Statistics statistics;
  statistics.total = node.total;
  statistics.system = node.system;
  statistics.used = node.system;
  statistics.used += totals.reserved;
  statistics.deployments = totals.okay_deployments;
  statistics.workloads = totals.okay_workloads;
  statistics.last_deployment = totals.newest;
  return statistics;
}

}  // namespace trellis::engine
