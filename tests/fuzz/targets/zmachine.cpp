#include "plugins/zmachine/data.hpp"
#include "tests/fuzz/workload_data.hpp"

namespace trellis::fuzz::zmachine {

void Run(std::string_view input);

void Run(std::string_view input) {
  CheckData<plugins::zmachine::Machine>(input);
}

}  // namespace trellis::fuzz::zmachine
