// trellis-load: a measured load on a node, through its public interfaces only.
#include "tools/load/run.hpp"

#include <fmt/format.h>
#include <sodium.h>

namespace {

int Explain(trellis::Error const& error) {
  fmt::print(stderr, "trellis-load: {}\n", error.message);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (sodium_init() < 0) return 1;
  auto const options = trellis::load::ParseOptions(argc, argv);
  if (!options) return Explain(options.error());
  auto const run = !options->null_url.empty()                     ? trellis::load::RunNull
                   : options->mode == trellis::load::Mode::kChain ? trellis::load::RunChain
                                                                  : trellis::load::RunLoad;
  auto const report = run(*options);
  if (!report) return Explain(report.error());
  fmt::print("{}\n", boost::json::serialize(*report));
  return 0;
}
