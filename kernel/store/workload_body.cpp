#include "kernel/store/workload_body.hpp"

#include "kernel/store/workload_parts.hpp"

namespace trellis::store {
namespace {

// Stored: new members go to the end of a workload, with a new format.
constexpr char kFormat = 2;

constexpr std::size_t kMostNumbers = 64;  // bytes of a workload's, and of an entry's
constexpr std::string_view kFresh = "init";

Result<void> CheckFormat(std::string_view text) {
  if (text.empty()) return DamagedWorkloads();
  if (text.front() == kFormat) return {};
  return Fail(Code::kIo, "the workloads are stored in format {}, this daemon knows {}",
              static_cast<int>(text.front()), static_cast<int>(kFormat));
}

std::size_t WantedSize(std::vector<WorkloadView> const& views) {
  std::size_t size = kMostNumbers;
  for (auto const& view : views) {
    size += kMostNumbers + view.name.size() + view.type.size() + view.description.size() +
            view.metadata.size() + view.data.size();
  }
  return size;
}

std::size_t StatusSize(std::vector<WorkloadView> const& views) {
  std::size_t size = kMostNumbers;
  for (auto const& view : views) {
    size += kMostNumbers + view.state.size() + view.message.size() + view.result.size() +
            view.handle.size();
    if (!IsSame(view.eff_data, view.data)) size += view.eff_data.size();
    for (auto const& entry : view.entries) {
      size += kMostNumbers + entry.state.size() + entry.message.size();
      if (!IsSame(entry.result, view.result)) size += entry.result.size();
    }
  }
  return size;
}

}  // namespace

void SetFresh(BodyHead const& head, std::uint64_t index, WorkloadView& view) {
  view.state = kFresh;
  view.message = {};
  view.created = head.created;
  view.result = {};
  view.eff_version.reset();
  view.eff_data = {};
  view.handle = {};
  view.handle_schema = 0;
  view.owned = false;
  view.fails = 0;
  view.next_try = 0;
  view.entries.assign(1, {static_cast<std::int64_t>(index) + 1, head.created, kFresh, {}, {}});
}

BodyReader::BodyReader(Body const& body)
    : wanted_(body.wanted.substr(1)),
      status_(body.status.empty() ? body.status : body.status.substr(1)),
      fresh_(body.status.empty()) {}

Result<BodyReader> BodyReader::Open(Body const& body) {
  TRELLIS_CHECK(CheckFormat(body.wanted));
  if (!body.status.empty()) TRELLIS_CHECK(CheckFormat(body.status));
  BodyReader reader(body);
  auto& head = reader.head_;
  head.created = reader.wanted_.Signed();
  head.workloads = reader.wanted_.Number();
  head.last_seq = static_cast<std::int64_t>(head.workloads);
  if (!reader.fresh_) {
    head.last_seq = reader.status_.Signed();
    head.older = reader.status_.Number();
    if (reader.status_.Number() != head.workloads) return DamagedWorkloads();
  }
  if (!reader.wanted_.sound() || !reader.status_.sound()) return DamagedWorkloads();
  return reader;
}

Result<bool> BodyReader::Next(WorkloadView& view) {
  if (read_ == head_.workloads) {
    if (!wanted_.empty() || !status_.empty()) return DamagedWorkloads();
    return false;
  }
  ReadWanted(view);
  if (fresh_) {
    SetFresh(head_, read_, view);
  } else {
    ReadStatus(view);
  }
  ++read_;
  if (!wanted_.sound() || !status_.sound()) return DamagedWorkloads();
  return true;
}

void BodyReader::ReadWanted(WorkloadView& view) {
  view.name = wanted_.Text();
  view.type = wanted_.Text();
  view.pos = wanted_.Small();
  view.weight = wanted_.Signed();
  view.version = wanted_.Small();
  view.description = wanted_.Text();
  view.metadata = wanted_.Text();
  view.data = wanted_.Text();
}

void BodyReader::ReadStatus(WorkloadView& view) {
  auto const flags = status_.Number();
  ReadState(status_, view, flags);
  view.message = status_.Text();
  view.result = status_.Text();
  ReadTail(status_, view, flags);
}

std::string PackWanted(BodyHead const& head, std::vector<WorkloadView> const& views) {
  PackedWriter out(kFormat);
  out.Reserve(WantedSize(views));
  out.Signed(head.created);
  out.Number(views.size());
  for (auto const& view : views) {
    out.Text(view.name);
    out.Text(view.type);
    out.Number(view.pos);
    out.Signed(view.weight);
    out.Number(view.version);
    out.Text(view.description);
    out.Text(view.metadata);
    out.Text(view.data);
  }
  return std::move(out).Take();
}

std::string PackStatus(BodyHead const& head, std::vector<WorkloadView> const& views) {
  PackedWriter out(kFormat);
  out.Reserve(StatusSize(views));
  out.Signed(head.last_seq);
  out.Number(head.older);
  out.Number(views.size());
  for (auto const& view : views) {
    auto const flags = FlagsOf(view);
    out.Number(flags);
    PackState(out, view);
    out.Text(view.message);
    out.Text(view.result);
    PackTail(out, view, flags);
  }
  return std::move(out).Take();
}

bool AreFresh(BodyHead const& head, std::vector<WorkloadView> const& views) {
  if (head.older != 0 || head.last_seq != static_cast<std::int64_t>(views.size())) return false;
  WorkloadView fresh;
  for (std::uint64_t i = 0; i < views.size(); ++i) {
    fresh = views[i];
    SetFresh(head, i, fresh);
    if (fresh != views[i]) return false;
  }
  return true;
}

}  // namespace trellis::store
