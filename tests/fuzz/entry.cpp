// What libFuzzer calls. TRELLIS_FUZZ_TARGET names the target.
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace trellis::fuzz::TRELLIS_FUZZ_TARGET {
void Run(std::string_view input);
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  trellis::fuzz::TRELLIS_FUZZ_TARGET::Run({reinterpret_cast<char const*>(data), size});
  return 0;
}
