// Lists of workloads as clients see them: in the document's order, whatever order the store has.
#include "kernel/engine/view.hpp"

#include <gtest/gtest.h>

namespace trellis::engine {
namespace {

/// The list of these, each with its place in the list.
std::string ListOf(std::vector<std::pair<std::int64_t, std::string_view>> const& workloads) {
  std::string out = "before ";
  WorkloadList list(out);
  for (auto const& [rank, name] : workloads) {
    store::ShownWorkload workload;
    workload.rank = rank;
    workload.name = name;
    workload.type = "zmount";
    list.Add(workload);
  }
  list.Close();
  return out;
}

std::string Text(std::string_view name) {
  return fmt::format(
      R"({{"version":0,"name":"{}","type":"zmount","data":null,"metadata":"","description":"",)"
      R"("result":{{"created":0,"state":"","message":"","data":null}}}})",
      name);
}

TEST(WorkloadList, ShowsByRankWhatCameByName) {
  auto const shown = ListOf({{2, "a"}, {0, "b"}, {1, "c"}});

  EXPECT_EQ(shown, fmt::format("before [{},{},{}]", Text("b"), Text("c"), Text("a")));
}

TEST(WorkloadList, KeepsTheOrderOfEqualRanks) {
  auto const shown = ListOf({{1, "a"}, {0, "b"}, {0, "c"}});

  EXPECT_EQ(shown, fmt::format("before [{},{},{}]", Text("b"), Text("c"), Text("a")));
}

TEST(WorkloadList, IsAListWithoutWorkloadsToo) {
  EXPECT_EQ(ListOf({}), "before []");
}

}  // namespace
}  // namespace trellis::engine
