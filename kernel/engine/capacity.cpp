#include "kernel/engine/capacity.hpp"

#include "kernel/sys/sysinfo.hpp"

#include <trellis/json.hpp>

#include <algorithm>

namespace trellis::engine {
namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
constexpr std::uint64_t kMemoryMargin = std::uint64_t{256} << 20;

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

NodeCapacity MeasureCapacity(Context const& context) {
  NodeCapacity node;
  node.total.cru = sys::CpuCount();
  node.total.mru = sys::MemoryTotal();
  for (auto const& provided : context.plugins.Provide("capacity", "{}")) {
    if (auto const capacity = json::Parse<Capacity>(provided.json); capacity)
      node.total += *capacity;
  }
  auto const reserve = context.options.reserve_memory;
  node.system.mru = reserve != 0 ? reserve : std::max(node.total.mru / 10, 2 * kGiB);
  return node;
}

Result<void> Reserve(Context const& context, store::Database& db, NodeCapacity const& node,
                     store::WorkloadRow const& row, Capacity const& required) {
  TRELLIS_TRY(auto const held, store::FindReservation(db, row.key, row.name));
  Capacity const before = held.value_or(Capacity{});
  TRELLIS_TRY(auto const sum, store::SumReservations(db));
  auto const memory_more = Minus(required.mru, before.mru);
  if (memory_more > 0) {
    auto free = Minus(Minus(node.total.mru, node.system.mru), sum.mru);
    if (!held.has_value()) free = std::min(free, Minus(sys::MemoryAvailable(), kMemoryMargin));
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
