#include "plugins/ip/data.hpp"
#include "tests/fuzz/workload_data.hpp"

namespace trellis::fuzz::ip {

void Run(std::string_view input);

void Run(std::string_view input) {
  CheckData<plugins::ip::PublicIp>(input);
}

}  // namespace trellis::fuzz::ip
