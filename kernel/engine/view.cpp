#include "kernel/engine/view.hpp"

#include "kernel/grid/deployment.hpp"

#include <trellis/json.hpp>

namespace trellis::engine {
namespace {

std::string Quoted(std::string_view text) {
  return boost::json::serialize(json::Value(boost::json::string(text)));
}
std::string_view OrNull(std::string const& text) {
  return text.empty() ? std::string_view("null") : std::string_view(text);
}

std::string ResultJson(store::WorkloadRow const& row) {
  return fmt::format(R"({{"created":{},"state":{},"message":{},"data":{}}})", row.created,
                     Quoted(row.state), Quoted(row.message), OrNull(row.result));
}

std::string Fields(store::WorkloadRow const& row) {
  return fmt::format(
      R"("version":{},"name":{},"type":{},"data":{},"metadata":{},"description":{},"result":{})",
      row.version, Quoted(row.name), Quoted(row.type), OrNull(row.data), Quoted(row.metadata),
      Quoted(row.description), ResultJson(row));
}

}  // namespace

std::string WorkloadJson(store::WorkloadRow const& row) {
  return "{" + Fields(row) + "}";
}

std::string PluginWorkloadJson(store::WorkloadRow const& row) {
  return fmt::format(R"({{"id":{},{}}})", Quoted(row.id()), Fields(row));
}

Result<std::string> DeploymentJson(store::DeploymentRow const& row,
                                   std::vector<store::WorkloadRow> const& workloads) {
  TRELLIS_TRY(auto const doc, grid::ParseDeployment(row.doc));
  std::vector<std::string> items;
  items.reserve(workloads.size());
  for (auto const& workload : workloads)
    items.push_back(WorkloadJson(workload));
  return fmt::format(
      R"({{"version":{},"twin_id":{},"contract_id":{},"metadata":{},"description":{},"expiration":{},"signature_requirement":{},"workloads":[{}]}})",
      doc.version, doc.twin_id, doc.contract_id, Quoted(doc.metadata), Quoted(doc.description),
      json::Dump(doc.expiration), json::Dump(doc.signature_requirement), fmt::join(items, ","));
}

}  // namespace trellis::engine
