#include "kernel/store/workload_format1.hpp"

namespace trellis::store {
namespace {

constexpr char kFormat = 1;

constexpr std::uint64_t kOwned = 1;
constexpr std::uint64_t kApplied = 2;       // has eff_version
constexpr std::uint64_t kOtherApplied = 4;  // has eff_data, else it is the data
constexpr std::uint64_t kOtherResult = 1;   // an entry's, else it is the workload's

void Pack(PackedWriter& out, WorkloadView const& view) {
  bool const other = view.eff_data != view.data;
  out.Number((view.owned ? kOwned : 0) | (view.eff_version.has_value() ? kApplied : 0) |
             (other ? kOtherApplied : 0));
  out.Text(view.name);
  out.Text(view.type);
  out.Number(view.pos);
  out.Signed(view.weight);
  out.Number(view.version);
  out.Text(view.state);
  out.Signed(view.created);
  out.Number(view.fails);
  out.Signed(view.next_try);
  if (view.eff_version.has_value()) out.Number(*view.eff_version);
  out.Text(view.message);
  out.Text(view.description);
  out.Text(view.metadata);
  out.Text(view.data);
  out.Text(view.result);
  if (other) out.Text(view.eff_data);
  out.Text(view.handle);
  out.Number(view.handle_schema);
  out.Number(view.entries.size());
  for (auto const& entry : view.entries) {
    bool const own = entry.result != view.result;
    out.Number(own ? kOtherResult : 0);
    out.Signed(entry.seq);
    out.Signed(entry.created);
    out.Text(entry.state);
    out.Text(entry.message);
    if (own) out.Text(entry.result);
  }
}

WorkloadView Read(PackedReader& in) {
  WorkloadView view;
  auto const flags = in.Number();
  view.owned = (flags & kOwned) != 0;
  view.name = in.Text();
  view.type = in.Text();
  view.pos = in.Small();
  view.weight = in.Signed();
  view.version = in.Small();
  view.state = in.Text();
  view.created = in.Signed();
  view.fails = in.Small();
  view.next_try = in.Signed();
  if ((flags & kApplied) != 0) view.eff_version = in.Small();
  view.message = in.Text();
  view.description = in.Text();
  view.metadata = in.Text();
  view.data = in.Text();
  view.result = in.Text();
  view.eff_data = (flags & kOtherApplied) != 0 ? in.Text() : view.data;
  view.handle = in.Text();
  view.handle_schema = in.Small();
  for (auto left = in.Number(); left > 0 && in.sound(); --left) {
    auto& entry = view.entries.emplace_back();
    auto const entry_flags = in.Number();
    entry.seq = in.Signed();
    entry.created = in.Signed();
    entry.state = in.Text();
    entry.message = in.Text();
    entry.result = (entry_flags & kOtherResult) != 0 ? in.Text() : view.result;
  }
  return view;
}

}  // namespace

std::string PackFormat1(BodyHead const& head, std::vector<WorkloadView> const& views) {
  PackedWriter out(kFormat);
  out.Signed(head.last_seq);
  out.Number(head.older);
  out.Number(views.size());
  for (auto const& view : views)
    Pack(out, view);
  return std::move(out).Take();
}

Result<Format1> ReadFormat1(std::string_view text) {
  Format1 body;
  if (text.empty() || text.front() != kFormat)
    return Fail(Code::kIo, "the stored workloads are damaged");
  PackedReader in(text.substr(1));
  body.head.last_seq = in.Signed();
  body.head.older = in.Number();
  body.head.workloads = in.Number();
  while (in.sound() && body.views.size() < body.head.workloads)
    body.views.push_back(Read(in));
  if (!in.sound() || !in.empty()) return Fail(Code::kIo, "the stored workloads are damaged");
  return body;
}

}  // namespace trellis::store
