#include "tools/load/schedule.hpp"

#include "kernel/sys/files.hpp"

#include <charconv>
#include <random>

namespace trellis::load {
namespace {

std::vector<Kind> Draw(Mix const& mix, std::size_t count, std::mt19937_64& random) {
  std::vector<Kind> kinds;
  std::vector<double> weights;
  for (auto const& [kind, weight] : mix) {
    kinds.push_back(kind);
    weights.push_back(weight);
  }
  std::discrete_distribution<std::size_t> pick(weights.begin(), weights.end());
  std::vector<Kind> drawn(count);
  for (auto& kind : drawn)
    kind = kinds[pick(random)];
  return drawn;
}

std::vector<double> OpenTimes(Options const& options, std::mt19937_64& random) {
  auto const span = options.warmup + options.seconds;
  std::exponential_distribution<double> pause(options.rate);
  std::vector<double> due;
  double at = 0;
  while (at < span) {
    due.push_back(at * 1e6);
    at += options.poisson ? pause(random) : 1 / options.rate;
  }
  return due;
}

Result<Schedule> ReadReplay(std::filesystem::path const& file) {
  TRELLIS_TRY(auto const text, sys::ReadFile(file));
  Schedule schedule;
  std::string_view rest = text;
  while (!rest.empty()) {
    auto const line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.empty()) continue;
    auto const space = line.find(' ');
    double at_ms = 0;
    auto const parsed =
        std::from_chars(line.data(), line.data() + std::min(space, line.size()), at_ms);
    bool const ordered = schedule.due_us.empty() || at_ms * 1e3 >= schedule.due_us.back();
    if (space == std::string_view::npos || parsed.ec != std::errc() || !ordered)
      return Fail(Code::kDecode, "line {} of '{}' is not '<ms> <kind>' in order of time",
                  schedule.kinds.size() + 1, file.string());
    TRELLIS_TRY(auto const kind, ParseKind(line.substr(space + 1)));
    schedule.kinds.push_back(kind);
    schedule.due_us.push_back(at_ms * 1e3);
  }
  return schedule;
}

}  // namespace

Result<Schedule> MakeSchedule(Options const& options) {
  std::mt19937_64 random(options.seed);
  Schedule schedule;
  switch (options.mode) {
    case Mode::kReplay:
      return ReadReplay(options.replay);
    case Mode::kOpen:
      schedule.due_us = OpenTimes(options, random);
      break;
    case Mode::kClosed:
    case Mode::kBurst:
    case Mode::kChain:
      schedule.due_us.assign(options.count, 0);
      break;
  }
  schedule.kinds = Draw(options.mix, schedule.due_us.size(), random);
  return schedule;
}

}  // namespace trellis::load
