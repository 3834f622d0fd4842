#include "plugins/network/data.hpp"
#include "tests/fuzz/workload_data.hpp"

namespace trellis::fuzz::network {

void Run(std::string_view input);

void Run(std::string_view input) {
  CheckData<plugins::network::Network>(input);
}

}  // namespace trellis::fuzz::network
