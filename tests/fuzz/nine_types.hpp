// The pure halves of the node's nine types, without plugins around them.
#pragma once

#include "tests/support/data_examiner.hpp"

namespace trellis::fuzz {

testing::DataExaminer NineTypes();

}  // namespace trellis::fuzz
