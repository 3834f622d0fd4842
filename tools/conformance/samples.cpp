#include "tools/conformance/samples.hpp"

#include <fstream>
#include <sstream>

namespace trellis::conformance {

Result<Samples> Samples::Read(std::string const& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return Fail(Code::kIo, "'{}' cannot be read", path);
  auto samples = json::Parse<Samples>(text.str());
  if (!samples) return tl::unexpected<Error>(std::move(samples).error().With("'{}'", path));
  return samples;
}

}  // namespace trellis::conformance
