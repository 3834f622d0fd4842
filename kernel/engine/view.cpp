#include "kernel/engine/view.hpp"

#include <trellis/detail/json_literal.hpp>
#include <trellis/json.hpp>

#include <algorithm>

namespace trellis::engine {
namespace {

void AppendNumber(std::string& out, std::int64_t number) {
  fmt::format_int const text(number);
  out.append(text.data(), text.size());
}

std::string_view OrNull(std::string_view text) {
  return text.empty() ? std::string_view("null") : text;
}

void AppendResult(std::string& out, store::ShownWorkload const& row) {
  out += R"({"created":)";
  AppendNumber(out, row.created);
  out += R"(,"state":)";
  json::AppendQuoted(out, row.state);
  out += R"(,"message":)";
  json::AppendQuoted(out, row.message);
  out += R"(,"data":)";
  out += OrNull(row.result);
  out += '}';
}

void AppendFields(std::string& out, store::ShownWorkload const& row) {
  out += R"("version":)";
  AppendNumber(out, row.version);
  out += R"(,"name":)";
  json::AppendQuoted(out, row.name);
  out += R"(,"type":)";
  json::AppendQuoted(out, row.type);
  out += R"(,"data":)";
  out += OrNull(row.data);
  out += R"(,"metadata":)";
  json::AppendQuoted(out, row.metadata);
  out += R"(,"description":)";
  json::AppendQuoted(out, row.description);
  out += R"(,"result":)";
  AppendResult(out, row);
}

void AppendWorkload(std::string& out, store::ShownWorkload const& row) {
  out += '{';
  AppendFields(out, row);
  out += '}';
}

std::size_t SizeOf(store::ShownWorkload const& row) {
  constexpr std::size_t kAround = 256;
  return kAround + row.data.size() + row.result.size() + row.metadata.size() +
         row.description.size() + row.message.size();
}

}  // namespace

std::string WorkloadJson(store::WorkloadRow const& row) {
  auto const shown = store::Shown(row);
  std::string out;
  out.reserve(SizeOf(shown));
  AppendWorkload(out, shown);
  return out;
}

WorkloadList::WorkloadList(std::string& out) : out_(out), begin_(out.size()) {}

void WorkloadList::Add(store::ShownWorkload const& workload) {
  out_ += pieces_.empty() ? '[' : ',';
  auto const begin = out_.size();
  AppendWorkload(out_, workload);
  pieces_.push_back({workload.rank, begin, out_.size()});
}

void WorkloadList::Close() {
  auto const by_rank = [](Piece const& a, Piece const& b) { return a.rank < b.rank; };
  if (!std::is_sorted(pieces_.begin(), pieces_.end(), by_rank)) {
    std::stable_sort(pieces_.begin(), pieces_.end(), by_rank);
    Sort();
  }
  out_ += pieces_.empty() ? "[]" : "]";
}

/// Writes the texts again as `pieces_` has them now.
void WorkloadList::Sort() {
  auto const texts = out_.substr(begin_);
  out_.resize(begin_);
  for (auto const& piece : pieces_) {
    out_ += out_.size() == begin_ ? '[' : ',';
    out_.append(texts, piece.begin - begin_, piece.end - piece.begin);
  }
}

std::string WorkloadListJson(std::vector<store::WorkloadRow> const& rows) {
  std::string out;
  WorkloadList list(out);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto shown = store::Shown(rows[i]);
    shown.rank = static_cast<std::int64_t>(i);
    list.Add(shown);
  }
  list.Close();
  return out;
}

std::string PluginWorkloadJson(store::WorkloadRow const& row) {
  auto const shown = store::Shown(row);
  std::string out = R"({"id":)";
  out.reserve(SizeOf(shown));
  json::AppendQuoted(out, row.id());
  out += ',';
  AppendFields(out, shown);
  out += '}';
  return out;
}

std::string HeaderJson(grid::Deployment const& deployment) {
  std::string out = R"("version":)";
  AppendNumber(out, deployment.version);
  out += R"(,"twin_id":)";
  AppendNumber(out, deployment.twin_id);
  out += fmt::format(R"(,"contract_id":{},"metadata":)", deployment.contract_id);
  json::AppendQuoted(out, deployment.metadata);
  out += R"(,"description":)";
  json::AppendQuoted(out, deployment.description);
  out += R"(,"expiration":)";
  out += json::Dump(deployment.expiration);
  out += R"(,"signature_requirement":)";
  out += json::Dump(deployment.signature_requirement);
  return out;
}

std::string DeploymentJson(store::DeploymentRow const& row,
                           std::vector<store::WorkloadRow> const& workloads) {
  constexpr std::size_t kAround = 32;
  auto const list = WorkloadListJson(workloads);
  std::string out;
  out.reserve(kAround + row.header.size() + list.size());
  out += '{';
  out += row.header;
  out += R"(,"workloads":)";
  out += list;
  out += '}';
  return out;
}

}  // namespace trellis::engine
