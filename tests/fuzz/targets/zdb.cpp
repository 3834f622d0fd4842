#include "plugins/zdb/data.hpp"
#include "tests/fuzz/workload_data.hpp"

namespace trellis::fuzz::zdb {

void Run(std::string_view input);

void Run(std::string_view input) {
  CheckData<plugins::zdb::Zdb>(input);
}

}  // namespace trellis::fuzz::zdb
