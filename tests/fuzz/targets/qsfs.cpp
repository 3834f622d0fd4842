#include "plugins/qsfs/data.hpp"
#include "tests/fuzz/workload_data.hpp"

namespace trellis::fuzz::qsfs {

void Run(std::string_view input);

void Run(std::string_view input) {
  CheckData<plugins::qsfs::Qsfs>(input);
}

}  // namespace trellis::fuzz::qsfs
