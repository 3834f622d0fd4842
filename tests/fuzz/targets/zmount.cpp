#include "plugins/zmount/data.hpp"
#include "tests/fuzz/workload_data.hpp"

namespace trellis::fuzz::zmount {

void Run(std::string_view input);

void Run(std::string_view input) {
  CheckData<plugins::zmount::ZMount>(input);
}

}  // namespace trellis::fuzz::zmount
