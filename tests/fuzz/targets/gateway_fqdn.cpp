#include "plugins/gateway/data.hpp"
#include "tests/fuzz/workload_data.hpp"

namespace trellis::fuzz::gateway_fqdn {

void Run(std::string_view input);

void Run(std::string_view input) {
  CheckData<plugins::gateway::FqdnProxy>(input);
}

}  // namespace trellis::fuzz::gateway_fqdn
