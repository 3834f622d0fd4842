// The resources of the crash tests: one append-only file for each workload, outside the daemon.
//
// A line is written with one write(2), so that a SIGKILL leaves it whole or not at all, and the
// last lines say what exists. `<event> <boot> <token> [paused|running]`:
//   part     the first sub-resource exists
//   made     all of it exists, with this token
//   paused, running
//   half     the second sub-resource is gone again
//   gone     nothing exists (`lost`: so says the test after a power loss)
#pragma once

#include <trellis/result.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::crashy {

/// What exists of one workload.
struct Resource {
  bool part = false;
  bool made = false;
  bool paused = false;
  std::string token;

  [[nodiscard]] bool exists() const { return part || made; }
};

/// The journals of one type. Different workloads may be used from different threads at once.
class Journal {
 public:
  Journal(std::filesystem::path folder, std::string boot)
      : folder_(std::move(folder)), boot_(std::move(boot)) {}

  Result<void> Open() const;
  [[nodiscard]] Resource Look(std::string_view id) const;
  Result<void> Append(std::string_view id, std::string_view event, std::string_view token) const;
  /// Ids that something exists of.
  [[nodiscard]] std::vector<std::string> Owned() const;

 private:
  std::filesystem::path folder_;
  std::string boot_;
};

}  // namespace trellis::crashy
