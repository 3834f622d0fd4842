#include "kernel/store/workload_body.hpp"

namespace trellis::store {
namespace {

// Stored: new members go to the end of a workload, with a new format.
constexpr char kFormat = 2;

constexpr std::uint64_t kOwned = 1;
constexpr std::uint64_t kApplied = 2;       // has eff_version
constexpr std::uint64_t kOtherApplied = 4;  // has eff_data, else it is the data
constexpr std::uint64_t kOtherResult = 1;   // an entry's, else it is the workload's

constexpr std::size_t kMostNumbers = 64;  // bytes of a workload's, and of an entry's
constexpr std::string_view kFresh = "init";

tl::unexpected<Error> Damaged() {
  return Fail(Code::kIo, "the stored workloads are damaged");
}

Result<void> CheckFormat(std::string_view text) {
  if (text.empty()) return Damaged();
  if (text.front() == kFormat) return {};
  return Fail(Code::kIo, "the workloads are stored in format {}, this daemon knows {}",
              static_cast<int>(text.front()), static_cast<int>(kFormat));
}

/// Equal texts are nearly always the same.
bool IsSame(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a.data() == b.data() || a == b);
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
    if (reader.status_.Number() != head.workloads) return Damaged();
  }
  if (!reader.wanted_.sound() || !reader.status_.sound()) return Damaged();
  return reader;
}

Result<bool> BodyReader::Next(WorkloadView& view) {
  if (read_ == head_.workloads) {
    if (!wanted_.empty() || !status_.empty()) return Damaged();
    return false;
  }
  ReadWanted(view);
  if (fresh_) {
    SetFresh(head_, read_, view);
  } else {
    ReadStatus(view);
  }
  ++read_;
  if (!wanted_.sound() || !status_.sound()) return Damaged();
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
  view.owned = (flags & kOwned) != 0;
  view.state = status_.Text();
  view.created = status_.Signed();
  view.fails = status_.Small();
  view.next_try = status_.Signed();
  view.eff_version.reset();
  if ((flags & kApplied) != 0) view.eff_version = status_.Small();
  view.message = status_.Text();
  view.result = status_.Text();
  view.eff_data = (flags & kOtherApplied) != 0 ? status_.Text() : view.data;
  view.handle = status_.Text();
  view.handle_schema = status_.Small();
  ReadEntries(view);
}

void BodyReader::ReadEntries(WorkloadView& view) {
  view.entries.clear();
  for (auto left = status_.Number(); left > 0 && status_.sound(); --left) {
    auto& entry = view.entries.emplace_back();
    auto const flags = status_.Number();
    entry.seq = status_.Signed();
    entry.created = status_.Signed();
    entry.state = status_.Text();
    entry.message = status_.Text();
    entry.result = (flags & kOtherResult) != 0 ? status_.Text() : view.result;
  }
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
    bool const other = !IsSame(view.eff_data, view.data);
    out.Number((view.owned ? kOwned : 0) | (view.eff_version.has_value() ? kApplied : 0) |
               (other ? kOtherApplied : 0));
    out.Text(view.state);
    out.Signed(view.created);
    out.Number(view.fails);
    out.Signed(view.next_try);
    if (view.eff_version.has_value()) out.Number(*view.eff_version);
    out.Text(view.message);
    out.Text(view.result);
    if (other) out.Text(view.eff_data);
    out.Text(view.handle);
    out.Number(view.handle_schema);
    out.Number(view.entries.size());
    for (auto const& entry : view.entries) {
      bool const own = !IsSame(entry.result, view.result);
      out.Number(own ? kOtherResult : 0);
      out.Signed(entry.seq);
      out.Signed(entry.created);
      out.Text(entry.state);
      out.Text(entry.message);
      if (own) out.Text(entry.result);
    }
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
