#include "kernel/store/workload_format1.hpp"

#include "kernel/store/workload_parts.hpp"

namespace trellis::store {
namespace {

constexpr char kFormat1 = 1;

void Pack(PackedWriter& out, WorkloadView const& view) {
  auto const flags = FlagsOf(view);
  out.Number(flags);
  out.Text(view.name);
  out.Text(view.type);
  out.Number(view.pos);
  out.Signed(view.weight);
  out.Number(view.version);
  PackState(out, view);
  out.Text(view.message);
  out.Text(view.description);
  out.Text(view.metadata);
  out.Text(view.data);
  out.Text(view.result);
  PackTail(out, view, flags);
}

WorkloadView Read(PackedReader& in) {
  WorkloadView view;
  auto const flags = in.Number();
  view.name = in.Text();
  view.type = in.Text();
  view.pos = in.Small();
  view.weight = in.Signed();
  view.version = in.Small();
  ReadState(in, view, flags);
  view.message = in.Text();
  view.description = in.Text();
  view.metadata = in.Text();
  view.data = in.Text();
  view.result = in.Text();
  ReadTail(in, view, flags);
  return view;
}

}  // namespace

std::string PackFormat1(BodyHead const& head, std::vector<WorkloadView> const& views) {
  PackedWriter out(kFormat1);
  out.Signed(head.last_seq);
  out.Number(head.older);
  out.Number(views.size());
  for (auto const& view : views)
    Pack(out, view);
  return std::move(out).Take();
}

Result<Format1> ReadFormat1(std::string_view text) {
  Format1 body;
  if (text.empty() || text.front() != kFormat1) return DamagedWorkloads();
  PackedReader in(text.substr(1));
  body.head.last_seq = in.Signed();
  body.head.older = in.Number();
  body.head.workloads = in.Number();
  while (in.sound() && body.views.size() < body.head.workloads)
    body.views.push_back(Read(in));
  if (!in.sound() || !in.empty()) return DamagedWorkloads();
  return body;
}

}  // namespace trellis::store
