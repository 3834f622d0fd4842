// trellis-kernel-elf KERNEL OUT: the ELF inside a bzImage, or the bzImage itself where there is
// none. A hypervisor enters the ELF directly, which saves the kernel's own unpacking.
#include "plugins/zmachine/guest/file_io.hpp"
#include "plugins/zmachine/guest/kernel_image.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <string>

namespace zmachine = trellis::plugins::zmachine;

namespace {

trellis::Result<void> Convert(std::string const& from, std::string const& to) {
  TRELLIS_TRY(auto kernel, zmachine::ReadWholeFile(from));
  if (zmachine::DetectKernelFormat(kernel) == zmachine::KernelFormat::kUnsupported) {
    return trellis::Fail(trellis::Code::kInvalid, "'{}': unsupported kernel format", from);
  }
  auto elf = zmachine::ExtractElf(kernel);
  if (elf) return zmachine::ReplaceFile(to, *elf);
  fmt::print(stderr, "kept '{}' as it is: {}\n", from, elf.error().message);
  return zmachine::ReplaceFile(to, kernel);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: trellis-kernel-elf KERNEL OUT\n", stderr);
    return 2;
  }
  auto const done = Convert(argv[1], argv[2]);
  if (!done) fmt::print(stderr, "trellis-kernel-elf: {}\n", done.error().message);
  return done ? 0 : 1;
}
