// The list of checks.
#pragma once

#include "tools/conformance/probe.hpp"
#include "tools/conformance/samples.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace trellis::conformance {

/// What all checks of one run share.
struct Setting {
  std::string file;  ///< absolute
  std::string plugin_host;
  Samples samples;
  std::chrono::seconds patience{30};  ///< how long a cancelled operation may go on
};

enum class Needs : std::uint8_t {
  kCreate,   ///< at most `create`: no effects on the machine
  kStart,    ///< `start` too
  kEffects,  ///< provisions the samples
};

struct Check {
  char const* id;
  char const* title;
  Needs needs;
  void (*run)(Setting const&, Probe&);
};

// By file; in this order they are C01, C02, …
std::vector<Check> FileChecks();
std::vector<Check> DataChecks();
std::vector<Check> HostChecks();
std::vector<Check> LifeChecks();
std::vector<Check> EffectChecks();
std::vector<Check> IsolatedChecks();

}  // namespace trellis::conformance
