// The journals of jobs: lists in their rows, since a job's steps are written together.
#include "kernel/store/query.hpp"
#include "kernel/store/records.hpp"

#include <trellis/detail/json_literal.hpp>
#include <trellis/json.hpp>

#include <algorithm>
#include <array>
#include <iterator>

namespace trellis::store {
namespace {

/// A step is a list: name, op, idx, state, tries, crashes, generation, holds. Stored: only ever
/// append to it.
constexpr std::size_t kMembers = 8;

std::string ToText(std::span<StepRow const> steps) {
  std::string text = "[";
  for (auto const& step : steps) {
    text += text.size() > 1 ? ",[" : "[";
    json::AppendQuoted(text, step.name);
    fmt::format_to(std::back_inserter(text), ",{},{},{},{},{},{},{}]", step.op, step.idx,
                   static_cast<int>(step.state), step.tries, step.crashes, step.generation,
                   step.holds ? 1 : 0);
  }
  return text + "]";
}

tl::unexpected<Error> NoJournal(std::int64_t job) {
  return Fail(Code::kIo, "the journal of job {} is not readable", job);
}

Result<StepRow> StepFrom(json::Value const& value, std::int64_t job) {
  auto const* const list = value.if_array();
  if (list == nullptr || list->size() < kMembers || !list->front().is_string())
    return NoJournal(job);
  std::array<std::int64_t, kMembers> numbers{};
  for (std::size_t i = 1; i < kMembers; ++i) {
    boost::system::error_code failed;
    numbers.at(i) = (*list)[i].to_number<std::int64_t>(failed);
    if (failed) return NoJournal(job);
  }
  StepRow row;
  row.name = std::string_view(list->front().get_string());
  row.op = static_cast<std::uint8_t>(numbers[1]);
  row.idx = static_cast<std::uint32_t>(numbers[2]);
  row.state = static_cast<StepState>(numbers[3]);
  row.tries = static_cast<std::uint32_t>(numbers[4]);
  row.crashes = static_cast<std::uint32_t>(numbers[5]);
  row.generation = numbers[6];
  row.holds = numbers[7] != 0;
  return row;
}

Result<std::vector<StepRow>> FromText(std::string_view text, std::int64_t job) {
  auto const list = json::ParseValue(text);
  if (!list || !list->is_array()) return NoJournal(job);
  std::vector<StepRow> steps;
  for (auto const& value : list->get_array()) {
    TRELLIS_TRY(auto step, StepFrom(value, job));
    steps.push_back(std::move(step));
  }
  std::ranges::sort(steps, {}, &StepRow::idx);
  return steps;
}

}  // namespace

Result<void> SetSteps(Database& db, std::int64_t job, std::span<StepRow const> steps) {
  return Run(db, "UPDATE job SET steps = ? WHERE id = ?", ToText(steps), job);
}

Result<std::vector<StepRow>> ListSteps(Database& db, std::int64_t job) {
  TRELLIS_TRY(auto const text, One(
                                   db, "SELECT steps FROM job WHERE id = ?",
                                   [](Statement const& s) { return s.Text(0); }, job));
  if (!text.has_value()) return std::vector<StepRow>();
  return FromText(*text, job);
}

Result<std::set<std::string, std::less<>>> ListHeld(Database& db, DeploymentKey key) {
  TRELLIS_TRY(auto const journals,
              All(
                  db, "SELECT id, steps FROM job WHERE twin = ? AND contract = ? AND steps <> '[]'",
                  [](Statement const& s) { return std::pair(s.Int(0), s.Text(1)); }, key.twin,
                  key.contract));
  std::set<std::string, std::less<>> held;
  for (auto const& [job, text] : journals) {
    TRELLIS_TRY(auto const steps, FromText(text, job));
    for (auto const& step : steps) {
      if (step.holds && step.IsOpen()) held.insert(step.name);
    }
  }
  return held;
}

}  // namespace trellis::store
