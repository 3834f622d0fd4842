#include "kernel/engine/capacity.hpp"

#include "kernel/engine/context.hpp"
#include "kernel/sys/sysinfo.hpp"

#include <trellis/json.hpp>

#include <algorithm>

namespace trellis::engine {
namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
constexpr std::uint64_t kMemoryMargin = std::uint64_t{256} << 20;
constexpr std::int64_t kTotalsNs = 60'000'000'000;
constexpr std::int64_t kMemoryNs = 1'000'000'000;

std::uint64_t Minus(std::uint64_t a, std::uint64_t b) {
  return a > b ? a - b : 0;
}

Result<void> Fits(std::string_view what, std::string_view unit, std::uint64_t required,
                  std::uint64_t free) {
  if (required <= free) return {};
  return Fail(
      Code::kExhausted,
      "failed to satisfy required capacity: cannot fulfil required {} size {}{} out of usable {}{}",
      what, required, unit, free, unit);
}

}  // namespace

void CapacityMeter::Refresh() {
  NodeCapacity node;
  node.total.cru = sys::CpuCount();
  node.total.mru = sys::MemoryTotal();
  node.system.mru =
      reserve_memory_ != 0 ? reserve_memory_ : std::max(node.total.mru / 10, 2 * kGiB);
  for (auto const& provided : plugins_.Provide("capacity", "{}")) {
    if (auto const capacity = json::Parse<Capacity>(provided.json); capacity)
      provided_[provided.plugin] = *capacity;  // one that does not answer keeps its last one
  }
  for (auto const& [plugin, capacity] : provided_)
    node.total += capacity;
  std::lock_guard const lock(mutex_);
  node.memory_available = node_.memory_available;
  node_ = node;
  measured_ns_ = clock_.MonotonicNs();
}

NodeCapacity CapacityMeter::Get() {
  auto const now = clock_.MonotonicNs();
  std::unique_lock lock(mutex_);
  bool const first = !measured_ns_.has_value();
  if (first || now - *measured_ns_ >= kTotalsNs) {
    lock.unlock();
    std::unique_lock refreshing(refresh_mutex_, std::defer_lock);
    if (first) {
      refreshing.lock();
    } else {
      (void)refreshing.try_lock();  // else another one is at it, and the old totals are good enough
    }
    lock.lock();
    bool const done = measured_ns_.has_value() && now - *measured_ns_ < kTotalsNs;
    lock.unlock();
    if (refreshing.owns_lock() && !done) Refresh();
    lock.lock();
  }
  if (!memory_ns_.has_value() || now - *memory_ns_ >= kMemoryNs) {
    node_.memory_available = sys::MemoryAvailable();
    memory_ns_ = now;
  }
  return node_;
}

NodeCapacity MeasureCapacity(Context const& context) {
  return context.capacity.Get();
}

Result<void> Reserve(Context const& context, store::Database& db, NodeCapacity const& node,
                     store::WorkloadRow const& row, Capacity const& required) {
  TRELLIS_TRY(auto const held, store::FindReservation(db, row.key, row.name));
  Capacity const before = held.value_or(Capacity{});
  TRELLIS_TRY(auto const sum, store::SumReservations(db));
  auto const memory_more = Minus(required.mru, before.mru);
  if (memory_more > 0) {
    auto free = Minus(Minus(node.total.mru, node.system.mru), sum.mru);
    if (!held.has_value()) free = std::min(free, Minus(node.memory_available, kMemoryMargin));
    TRELLIS_CHECK(Fits("memory", " bytes", memory_more, free));
  }
  auto const cores = node.total.cru * context.options.cpu_overcommit;
  TRELLIS_CHECK(Fits("cpu", " cores", Minus(required.cru, before.cru), Minus(cores, sum.cru)));
  TRELLIS_CHECK(
      Fits("ssd", " bytes", Minus(required.sru, before.sru), Minus(node.total.sru, sum.sru)));
  TRELLIS_CHECK(
      Fits("hdd", " bytes", Minus(required.hru, before.hru), Minus(node.total.hru, sum.hru)));
  return store::PutReservation(db, row.key, row.name, required);
}

}  // namespace trellis::engine
