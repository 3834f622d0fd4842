// FakeHost of the SDK, compiled once for all tests of this tree (trellis_fake_host).
#pragma once

#include <trellis/testing.hpp>  // IWYU pragma: export
