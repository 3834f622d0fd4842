// The dynamic symbols of a shared library, read from the file without loading it.
#pragma once

#include <trellis/result.hpp>

#include <string>
#include <vector>

namespace trellis::conformance {

/// Names that the library defines for others, in order of the table. kInvalid: no 64-bit ELF
/// library.
Result<std::vector<std::string>> ExportedSymbols(std::string const& file);

}  // namespace trellis::conformance
