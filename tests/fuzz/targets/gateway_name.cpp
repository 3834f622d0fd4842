#include "plugins/gateway/data.hpp"
#include "tests/fuzz/workload_data.hpp"

namespace trellis::fuzz::gateway_name {

void Run(std::string_view input);

void Run(std::string_view input) {
  CheckData<plugins::gateway::NameProxy>(input);
}

}  // namespace trellis::fuzz::gateway_name
