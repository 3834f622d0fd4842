// The only file that uses libseccomp.
#include "tools/plugin-host/syscall_filter.hpp"

#include <sched.h>
#include <seccomp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>

namespace trellis::plugin_host {

namespace {

// Nothing that a plugin is for needs these: they look into other processes, change the machine
// as a whole, or are wide doors into the kernel.
constexpr std::array kNever{SCMP_SYS(ptrace),
                            SCMP_SYS(process_vm_readv),
                            SCMP_SYS(process_vm_writev),
                            SCMP_SYS(process_madvise),
                            SCMP_SYS(pidfd_getfd),
                            SCMP_SYS(kcmp),
                            SCMP_SYS(bpf),
                            SCMP_SYS(perf_event_open),
                            SCMP_SYS(userfaultfd),
                            SCMP_SYS(io_uring_setup),
                            SCMP_SYS(io_uring_enter),
                            SCMP_SYS(io_uring_register),
                            SCMP_SYS(init_module),
                            SCMP_SYS(finit_module),
                            SCMP_SYS(delete_module),
                            SCMP_SYS(kexec_load),
                            SCMP_SYS(kexec_file_load),
                            SCMP_SYS(reboot),
                            SCMP_SYS(swapon),
                            SCMP_SYS(swapoff),
                            SCMP_SYS(acct),
                            SCMP_SYS(settimeofday),
                            SCMP_SYS(clock_settime),
                            SCMP_SYS(clock_adjtime),
                            SCMP_SYS(adjtimex),
                            SCMP_SYS(personality),
                            SCMP_SYS(sethostname),
                            SCMP_SYS(setdomainname),
                            SCMP_SYS(syslog),
                            SCMP_SYS(add_key),
                            SCMP_SYS(request_key),
                            SCMP_SYS(keyctl),
                            SCMP_SYS(open_by_handle_at),
                            SCMP_SYS(iopl),
                            SCMP_SYS(ioperm),
                            SCMP_SYS(modify_ldt),
                            SCMP_SYS(vhangup),
                            SCMP_SYS(nfsservctl),
                            SCMP_SYS(chroot),
                            SCMP_SYS(pivot_root)};

// With net.namespace or fs.mount only.
constexpr std::array kMounts{SCMP_SYS(mount),     SCMP_SYS(umount2),      SCMP_SYS(move_mount),
                             SCMP_SYS(open_tree), SCMP_SYS(fsopen),       SCMP_SYS(fsconfig),
                             SCMP_SYS(fsmount),   SCMP_SYS(fspick),       SCMP_SYS(setns),
                             SCMP_SYS(unshare),   SCMP_SYS(mount_setattr)};

constexpr std::array<scmp_datum_t, 7> kNamespaces{CLONE_NEWNS,  CLONE_NEWCGROUP, CLONE_NEWUTS,
                                                  CLONE_NEWIPC, CLONE_NEWPID,    CLONE_NEWNET,
                                                  CLONE_NEWUSER};

class Filter {
 public:
  Filter() : context_(::seccomp_init(SCMP_ACT_ALLOW), &::seccomp_release) {
    if (context_ == nullptr) failed_ = -ENOMEM;
    // Calls of another architecture would go round the rules.
    Note(::seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
    // The plugin shares its address space with nobody else's secrets.
    Note(::seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_SSB, 1));
  }

  void Deny(int call) { Add(SCMP_ACT_ERRNO(EPERM), call); }
  /// Pretends that this kernel has no such call, so that programs take its predecessor.
  void Hide(int call) { Add(SCMP_ACT_ERRNO(ENOSYS), call); }
  void DenyIf(int call, scmp_arg_cmp const& argument) {
    Note(::seccomp_rule_add_array(context_.get(), SCMP_ACT_ERRNO(EPERM), call, 1, &argument));
  }
  Result<void> Load() {
    if (failed_ == 0) Note(::seccomp_load(context_.get()));
    if (failed_ == 0) return {};
    return Fail(Code::kIo, "cannot filter system calls: error {} of seccomp", -failed_);
  }

 private:
  void Add(std::uint32_t action, int call) {
    Note(::seccomp_rule_add_array(context_.get(), action, call, 0, nullptr));
  }
  void Note(int answer) {
    if (failed_ == 0) failed_ = answer;
  }
  std::unique_ptr<void, void (*)(scmp_filter_ctx)> context_;
  int failed_ = 0;
};

scmp_arg_cmp Compare(scmp_compare how, scmp_datum_t a, scmp_datum_t b = 0) {
  return {0, how, a, b};
}

/// Unix sockets always; those of networks by permission.
void FilterSockets(Filter& filter, plugin::HelperRights const& rights) {
  auto const allowed = [&](int family) {
    switch (family) {
      case AF_UNIX:
        return true;
      case AF_INET:
      case AF_INET6:
        return rights.net_connect || rights.net_admin;
      case AF_NETLINK:
      case AF_PACKET:
        return rights.net_admin;
      default:
        return false;
    }
  };
  for (int family = 0; family <= AF_PACKET; ++family) {
    if (!allowed(family))
      filter.DenyIf(SCMP_SYS(socket), Compare(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family)));
  }
  // Also numbers whose lower half is one from above: the kernel looks at that half only.
  filter.DenyIf(SCMP_SYS(socket), Compare(SCMP_CMP_GT, AF_PACKET));
}

void FilterNamespaces(Filter& filter, plugin::HelperRights const& rights) {
  // Its flags are in memory, where no filter can look. The C library takes clone() instead.
  filter.Hide(SCMP_SYS(clone3));
  auto const deny = [&](int call, scmp_datum_t flag) {
    filter.DenyIf(call, Compare(SCMP_CMP_MASKED_EQ, flag, flag));
  };
  if (rights.confined()) {
    for (auto const flag : kNamespaces)
      deny(SCMP_SYS(clone), flag);
    for (auto const call : kMounts)
      filter.Deny(call);
    return;
  }
  // A user namespace would give all capabilities in it.
  deny(SCMP_SYS(clone), CLONE_NEWUSER);
  deny(SCMP_SYS(unshare), CLONE_NEWUSER);
}

}  // namespace

Result<void> FilterSyscalls(plugin::HelperRights const& rights) {
  Filter filter;
  for (auto const call : kNever)
    filter.Deny(call);
  FilterSockets(filter, rights);
  FilterNamespaces(filter, rights);
  return filter.Load();
}

}  // namespace trellis::plugin_host
