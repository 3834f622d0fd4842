// trellis-kvm-probe: is KVM usable? Exit code 0 usable, 1 not; one line of reason on stdout.
//
// A kernel can offer /dev/kvm and emulate nearly every instruction; only timed execution tells.
// The caller kills this program after a second, because KVM_RUN may not come back at all.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kLimit = std::chrono::milliseconds(250);
constexpr std::size_t kPage = 4096;
constexpr std::uint64_t kCodeAt = 0x1000;
constexpr std::uint16_t kPort = 0xe9;
constexpr std::uint8_t kByte = 0x42;

// mov al,42h; out e9h,al; mov ecx,2000000; L: dec ecx; jnz L; hlt
constexpr std::array<std::uint8_t, 15> kCode = {0xb0, kByte, 0xe6, 0xe9, 0x66, 0xb9, 0x80, 0x84,
                                                0x1e, 0x00,  0x66, 0x49, 0x75, 0xfc, 0xf4};

std::string Failed(char const* what) {
  return fmt::format("{}: {}", what, std::strerror(errno));
}

/// One virtual machine with one page and one processor. Everything ends with the process.
struct Machine {
  int cpu = -1;
  kvm_run* run = nullptr;
};

/// Empty, or what failed.
std::string Create(Machine& machine) {
  int const kvm = ::open("/dev/kvm", O_RDWR | O_CLOEXEC);
  if (kvm < 0) return Failed("open /dev/kvm");
  int const version = ::ioctl(kvm, KVM_GET_API_VERSION, 0);
  if (version != KVM_API_VERSION) return fmt::format("kvm api version {}", version);
  int const vm = ::ioctl(kvm, KVM_CREATE_VM, 0);
  if (vm < 0) return Failed("create virtual machine");
  void* const page =
      ::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return Failed("map guest memory");
  std::memcpy(page, kCode.data(), kCode.size());
  kvm_userspace_memory_region region{};
  region.guest_phys_addr = kCodeAt;
  region.memory_size = kPage;
  region.userspace_addr = reinterpret_cast<std::uintptr_t>(page);
  if (::ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) != 0) return Failed("set guest memory");
  machine.cpu = ::ioctl(vm, KVM_CREATE_VCPU, 0);
  if (machine.cpu < 0) return Failed("create virtual cpu");
  int const size = ::ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
  if (size < 0) return Failed("size of the run area");
  void* const run = ::mmap(nullptr, static_cast<std::size_t>(size), PROT_READ | PROT_WRITE,
                           MAP_SHARED, machine.cpu, 0);
  if (run == MAP_FAILED) return Failed("map the run area");
  machine.run = static_cast<kvm_run*>(run);
  return {};
}

std::string SetRegisters(int cpu) {
  kvm_sregs special{};
  if (::ioctl(cpu, KVM_GET_SREGS, &special) != 0) return Failed("read registers");
  special.cs.base = 0;
  special.cs.selector = 0;
  if (::ioctl(cpu, KVM_SET_SREGS, &special) != 0) return Failed("write registers");
  kvm_regs registers{};
  registers.rip = kCodeAt;
  registers.rflags = 2;
  if (::ioctl(cpu, KVM_SET_REGS, &registers) != 0) return Failed("write registers");
  return {};
}

bool IsOurOutput(kvm_run const& run) {
  if (run.exit_reason != KVM_EXIT_IO || run.io.direction != KVM_EXIT_IO_OUT) return false;
  auto const* const bytes = reinterpret_cast<std::uint8_t const*>(&run);
  return run.io.port == kPort && run.io.count == 1 && bytes[run.io.data_offset] == kByte;
}

std::string Run(Machine const& machine, std::chrono::milliseconds& took) {
  auto const start = Clock::now();
  if (::ioctl(machine.cpu, KVM_RUN, 0) != 0) return Failed("run virtual cpu");
  if (!IsOurOutput(*machine.run)) {
    return fmt::format("first exit has reason {}", machine.run->exit_reason);
  }
  if (::ioctl(machine.cpu, KVM_RUN, 0) != 0) return Failed("run virtual cpu");
  took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
  if (machine.run->exit_reason != KVM_EXIT_HLT) {
    return fmt::format("second exit has reason {}", machine.run->exit_reason);
  }
  if (took >= kLimit) {
    return fmt::format("kvm emulates: the loop took {} ms, limit {}", took.count(), kLimit.count());
  }
  return {};
}

}  // namespace

int main() {
  Machine machine;
  std::chrono::milliseconds took{};
  auto problem = Create(machine);
  if (problem.empty()) problem = SetRegisters(machine.cpu);
  if (problem.empty()) problem = Run(machine, took);
  bool const usable = problem.empty();
  auto const line = usable ? fmt::format("kvm works: the loop took {} ms", took.count()) : problem;
  std::puts(line.c_str());
  return usable ? 0 : 1;
}
