// The one place where FakeHost's functions are compiled.
#define TRELLIS_TESTING_API
#include <trellis/detail/fake_host_drive.hpp>
#include <trellis/detail/fake_host_life.hpp>
#include <trellis/detail/fake_host_tables.hpp>
#include <trellis/testing.hpp>
