// What the kernel needs to know about workload types. Their rules live in the plugins.
#pragma once

#include "kernel/grid/deployment.hpp"

#include <trellis/capacity.hpp>
#include <trellis/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::grid {

/// What the pure half of a workload type says about one workload's data.
struct Examined {
  std::string challenge;  ///< the bytes of `data` alone
  Capacity capacity;
  std::int64_t weight = 0;  ///< larger first among the same type
  std::vector<std::string> dependencies;
};

/// The pure halves of all workload types; the plugin manager is one.
class TypeExaminer {
 public:
  virtual ~TypeExaminer() = default;

  /// Registered.
  [[nodiscard]] virtual bool Known(std::string_view type) const = 0;
  [[nodiscard]] virtual bool Sharable(std::string_view type) const = 0;
  [[nodiscard]] virtual bool Updatable(std::string_view type) const = 0;

  /// kDecode when the data does not decode; kInvalid `[reason] sentence` when a rule fails (only
  /// with `check_valid`); kUnavailable when the plugin is not running.
  virtual Result<Examined> Examine(Deployment const& deployment, Workload const& workload,
                                   bool check_valid) = 0;
};

}  // namespace trellis::grid
