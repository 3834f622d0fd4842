#include "kernel/engine/consumption.hpp"

#include "kernel/base/log.hpp"
#include "kernel/grid/names.hpp"
#include "kernel/store/outbox.hpp"
#include "kernel/store/schema.hpp"

#include <trellis/json.hpp>

#include <charconv>
#include <map>

namespace trellis::engine {
namespace {

constexpr char const* kMetric = "nru";
constexpr char const* kWindowStart = "nru_window_start";
constexpr std::int64_t kWindow = 3600;         // seconds
constexpr std::size_t kReadingsACommit = 500;  // so that nobody waits long for the writer

struct Reading {
  std::string id;
  std::string metric;
  std::uint64_t total = 0;
};
BOOST_DESCRIBE_STRUCT(Reading, (), (id, metric, total))

Result<std::int64_t> WindowStart(store::Database& db, std::int64_t now) {
  TRELLIS_TRY(auto const text, store::GetMeta(db, kWindowStart));
  std::int64_t start = now;
  if (!text.empty()) std::from_chars(text.data(), text.data() + text.size(), start);
  if (text.empty() || start > now)  // the first window, or the clock was set back
    TRELLIS_CHECK(store::SetMeta(db, kWindowStart, std::to_string(now)));
  return std::min(start, now);
}

struct Traffic {
  std::uint32_t twin = 0;
  std::uint64_t bytes = 0;
};

/// Sums the counters by contract and sets them back.
Result<std::map<std::uint64_t, Traffic>> TakeTotals(store::Database& db) {
  std::map<std::uint64_t, Traffic> traffic;
  TRELLIS_TRY(auto const counters, store::ListCounters(db, kMetric));
  for (auto const& counter : counters) {
    auto const id = grid::WorkloadId::Parse(counter.workload);
    if (!id) continue;
    auto& sum = traffic[id->contract];
    sum.twin = id->twin;
    sum.bytes += counter.total;
    TRELLIS_TRY(auto const row, store::FindWorkload(db, {id->twin, id->contract}, id->name));
    TRELLIS_CHECK(row.has_value() ? store::ResetCounter(db, counter.workload, kMetric)
                                  : store::EraseCounter(db, counter.workload, kMetric));
  }
  return traffic;
}

}  // namespace

Result<void> Consumption::Sample() {
  std::vector<Reading> readings;
  for (auto const& provided : context_.plugins.Provide("consumption", "{}")) {
    auto list = json::Parse<std::vector<Reading>>(provided.json);
    if (!list) {
      log::Warn("consumption not understood, left out",
                {{"plugin", provided.plugin}, {"error", list.error()}});
      continue;
    }
    for (auto& reading : *list) {
      if (reading.metric == kMetric && grid::WorkloadId::Parse(reading.id))
        readings.push_back(std::move(reading));
    }
  }
  for (std::size_t begin = 0; begin < readings.size(); begin += kReadingsACommit) {
    auto const end = std::min(begin + kReadingsACommit, readings.size());
    TRELLIS_CHECK(context_.writer.Commit([&](store::Database& db) -> Result<void> {
      for (auto i = begin; i < end; ++i)
        TRELLIS_CHECK(store::CountReading(db, readings[i].id, kMetric, readings[i].total));
      return {};
    }));
  }
  return {};
}

Result<void> Consumption::CloseWindow() {
  auto const now = context_.clock.UnixSeconds();
  return context_.writer.Commit([now](store::Database& db) -> Result<void> {
    TRELLIS_TRY(auto const start, WindowStart(db, now));
    if (now - start < kWindow) return {};
    TRELLIS_TRY(auto const traffic, TakeTotals(db));
    for (auto const& [contract, sum] : traffic) {
      if (sum.bytes == 0) continue;
      store::OutboxRow row;
      row.kind = store::OutboxKind::kNru;
      row.contract = contract;
      row.start = start;
      row.twin = sum.twin;
      row.window = now - start;
      row.nru = sum.bytes;
      row.created = now;
      TRELLIS_CHECK(store::AddOutbox(db, row));
    }
    return store::SetMeta(db, kWindowStart, std::to_string(now));
  });
}

}  // namespace trellis::engine
