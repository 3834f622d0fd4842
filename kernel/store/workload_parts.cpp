#include "kernel/store/workload_parts.hpp"

namespace trellis::store {
namespace {

constexpr std::uint64_t kOtherResultFlag = 1;  // an entry's, else it is the workload's

}  // namespace

std::uint64_t FlagsOf(WorkloadView const& view) {
  return (view.owned ? kOwnedFlag : 0) | (view.eff_version.has_value() ? kAppliedFlag : 0) |
         (IsSame(view.eff_data, view.data) ? 0 : kOtherAppliedFlag);
}

void PackState(PackedWriter& out, WorkloadView const& view) {
  out.Text(view.state);
  out.Signed(view.created);
  out.Number(view.fails);
  out.Signed(view.next_try);
  if (view.eff_version.has_value()) out.Number(*view.eff_version);
}

void ReadState(PackedReader& in, WorkloadView& view, std::uint64_t flags) {
  view.owned = (flags & kOwnedFlag) != 0;
  view.state = in.Text();
  view.created = in.Signed();
  view.fails = in.Small();
  view.next_try = in.Signed();
  view.eff_version.reset();
  if ((flags & kAppliedFlag) != 0) view.eff_version = in.Small();
}

void PackTail(PackedWriter& out, WorkloadView const& view, std::uint64_t flags) {
  if ((flags & kOtherAppliedFlag) != 0) out.Text(view.eff_data);
  out.Text(view.handle);
  out.Number(view.handle_schema);
  out.Number(view.entries.size());
  for (auto const& entry : view.entries) {
    bool const own = !IsSame(entry.result, view.result);
    out.Number(own ? kOtherResultFlag : 0);
    out.Signed(entry.seq);
    out.Signed(entry.created);
    out.Text(entry.state);
    out.Text(entry.message);
    if (own) out.Text(entry.result);
  }
}

void ReadTail(PackedReader& in, WorkloadView& view, std::uint64_t flags) {
  view.eff_data = (flags & kOtherAppliedFlag) != 0 ? in.Text() : view.data;
  view.handle = in.Text();
  view.handle_schema = in.Small();
  view.entries.clear();
  for (auto left = in.Number(); left > 0 && in.sound(); --left) {
    auto& entry = view.entries.emplace_back();
    auto const entry_flags = in.Number();
    entry.seq = in.Signed();
    entry.created = in.Signed();
    entry.state = in.Text();
    entry.message = in.Text();
    entry.result = (entry_flags & kOtherResultFlag) != 0 ? in.Text() : view.result;
  }
}

}  // namespace trellis::store
