#include "plugins/zlogs/data.hpp"
#include "tests/fuzz/workload_data.hpp"

namespace trellis::fuzz::zlogs {

void Run(std::string_view input);

void Run(std::string_view input) {
  CheckData<plugins::zlogs::ZLogs>(input);
}

}  // namespace trellis::fuzz::zlogs
