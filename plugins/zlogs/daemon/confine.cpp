#include "plugins/zlogs/daemon/confine.hpp"

#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>

namespace trellis::plugins::zlogs {
namespace {

constexpr std::array kNever{SCMP_SYS(execve),   SCMP_SYS(execveat),
                            SCMP_SYS(fork),     SCMP_SYS(vfork),
                            SCMP_SYS(ptrace),   SCMP_SYS(process_vm_readv),
                            SCMP_SYS(setns),    SCMP_SYS(process_vm_writev),
                            SCMP_SYS(unshare),  SCMP_SYS(mount),
                            SCMP_SYS(umount2),  SCMP_SYS(chroot),
                            SCMP_SYS(bpf),      SCMP_SYS(io_uring_setup),
                            SCMP_SYS(keyctl),   SCMP_SYS(userfaultfd),
                            SCMP_SYS(add_key),  SCMP_SYS(request_key),
                            SCMP_SYS(unlink),   SCMP_SYS(unlinkat),
                            SCMP_SYS(rename),   SCMP_SYS(renameat2),
                            SCMP_SYS(truncate), SCMP_SYS(perf_event_open)};

}  // namespace

Result<void> Confine() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    return Fail(Code::kIo, "cannot give up privileges");
  std::unique_ptr<void, decltype(&::seccomp_release)> const filter(::seccomp_init(SCMP_ACT_ALLOW),
                                                                   &::seccomp_release);
  if (!filter) return Fail(Code::kExhausted, "no memory for the system call filter");
  int bad = 0;
  for (int const number : kNever)
    bad |= ::seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), number, 0);
  // Families between and above those of unix (1), IPv4 (2) and IPv6 (10).
  static_assert(AF_UNIX == 1 && AF_INET == 2 && AF_INET6 == 10);
  auto const refuse = [&](scmp_arg_cmp const& family) {
    bad |=
        ::seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1, family);
  };
  for (unsigned family = AF_INET + 1; family < AF_INET6; ++family)
    refuse(SCMP_A0(SCMP_CMP_EQ, family, 0));
  refuse(SCMP_A0(SCMP_CMP_GT, AF_INET6, 0));
  if (bad != 0 || ::seccomp_load(filter.get()) != 0)
    return Fail(Code::kIo, "cannot filter system calls");
  return {};
}

}  // namespace trellis::plugins::zlogs
