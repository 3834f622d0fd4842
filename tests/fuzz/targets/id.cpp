// Names and ids: strict, and the same after writing.
#include "kernel/grid/names.hpp"
#include "kernel/grid/reason.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>

namespace trellis::fuzz::id {

void Run(std::string_view input);

void Run(std::string_view input) {
  bool const name = grid::IsValidName(input);
  Require(!name || input.size() <= grid::kMaxNameBytes, "a name is short");
  if (auto const id = grid::WorkloadId::Parse(input); id) {
    Require(id->ToString() == input, "a workload id has one spelling");
    Require(grid::IsValidName(id->name), "a workload id ends with a name");
    Require(std::ranges::count(id->ToPath(), '/') == 2, "its path has three parts");
    Require(grid::UniqueName(*id, "tap").size() == grid::kUniqueNameChars, "device names fit");
  }
  if (auto const id = grid::DeploymentId::Parse(input); id)
    Require(id->ToString() == input, "a deployment id has one spelling");
  if (name) {
    auto const id =
        grid::WorkloadId::Parse(grid::WorkloadId{7, 100, std::string(input)}.ToString());
    Require(id && id->name == input, "every name makes a workload id");
  }
  auto const reason = grid::SplitReason(input);
  Require(reason.reason.empty() ? reason.sentence == input
                                : "[" + reason.reason + "] " + reason.sentence == input,
          "a message is its reason and its sentence");
}

}  // namespace trellis::fuzz::id
