// The workloads of a deployment as they lie in the store.
#include "kernel/store/workload_body.hpp"

#include "tests/fuzz/target.hpp"

#include <vector>

namespace trellis::fuzz::workload_body {

void Run(std::string_view input);

void Run(std::string_view input) {
  auto reader = store::BodyReader::Open(input);
  if (!reader) return;
  std::vector<store::WorkloadView> views;
  store::WorkloadView view;
  for (;;) {
    auto const more = reader->Next(view);
    if (!more) return;
    if (!*more) break;
    views.push_back(view);
  }
  // What can be read is written so that it reads the same, and never longer.
  store::BodyWriter writer(reader->head());
  for (auto const& each : views)
    writer.Add(each);
  auto const again = std::move(writer).Take();
  Require(again.size() <= input.size(), "nothing is added");
  auto second = store::BodyReader::Open(again);
  Require(second.has_value(), "what was written can be read");
  for (auto const& each : views) {
    Require(second->Next(view).value_or(false), "every workload is there");
    Require(view.name == each.name && view.data == each.data && view.eff_data == each.eff_data &&
                view.result == each.result && view.created == each.created &&
                view.entries.size() == each.entries.size(),
            "a workload reads as it was");
  }
  Require(!second->Next(view).value_or(true), "and no other");
}

}  // namespace trellis::fuzz::workload_body
