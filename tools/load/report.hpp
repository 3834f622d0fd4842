// What a run found out, as JSON.
#pragma once

#include "tools/load/control.hpp"
#include "tools/load/driver.hpp"
#include "tools/load/probe.hpp"

#include <trellis/json.hpp>

#include <map>
#include <string>
#include <vector>

namespace trellis::load {

/// The state of everything at one moment of the run.
struct Moment {
  Usage generator;
  Usage daemon;
  Counters counters;
};

/// The speed of the machine before and after.
struct Canaries {
  double verify_us = 0;
  double syncs_per_s = 0;
};

struct Findings {
  Options const* options = nullptr;
  std::vector<Request> const* requests = nullptr;
  std::vector<Fate> const* fates = nullptr;
  Moment begin;  ///< the warm-up is over
  Moment end;    ///< everything accepted has settled
  std::vector<double> settle_us;
  std::size_t checked_answers = 0;  ///< signatures found good
  std::size_t bad_answers = 0;
  std::size_t confirmed = 0;  ///< deployments whose `get` shows everything ok
  std::size_t unconfirmed = 0;
  std::size_t pauses = 0;
  Canaries before;
  Canaries after;
};

[[nodiscard]] json::Value Report(Findings const& findings);

/// Why the figures must not be used; empty = they may.
[[nodiscard]] std::string WhyVoid(Findings const& findings);

}  // namespace trellis::load
