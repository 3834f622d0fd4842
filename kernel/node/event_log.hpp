// What happens to deployments, in the log.
#pragma once

#include "kernel/base/clock.hpp"
#include "kernel/base/log.hpp"
#include "kernel/engine/events.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

namespace trellis::node {

/// A line when a deployment is settled, waits or is removed, and for each workload that is in error
/// or stays as it was; every other change at level debug. Users cause these lines, so there are
/// only so many of them: what is left out is counted. Not safe for use by several threads: the
/// event bus tells one event after the other.
class EventLog {
 public:
  static constexpr std::int64_t kBurst = 500;     ///< lines at once
  static constexpr std::int64_t kPerSecond = 10;  ///< lines in the long run

  using Write =
      std::function<void(log::Level, std::string_view message, std::span<log::Field const> fields)>;

  /// `clock` is borrowed.
  explicit EventLog(Clock& clock, Write write = &log::Write)
      : clock_(clock), write_(std::move(write)) {}

  void Take(engine::StateEvent const& event);

 private:
  void OfDeployment(engine::StateEvent const& event);
  void OfWorkload(engine::StateEvent const& event);
  void Line(log::Level level, std::string_view message, log::Fields fields);
  [[nodiscard]] bool MayWrite();

  Clock& clock_;
  Write write_;
  std::int64_t left_ = kBurst;
  std::int64_t filled_ns_ = 0;
  std::uint64_t missed_ = 0;
};

}  // namespace trellis::node
