#include "tests/integration/network/mortal.hpp"

#include "plugins/common/posix/files.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <array>
#include <cstddef>

namespace trellis::testing {

namespace {

using plugins::UniqueFd;

constexpr std::uint16_t kBatchBegin = 0x10;  // NFNL_MSG_BATCH_BEGIN

sock_filter Statement(int code, std::uint32_t value) {
  return {static_cast<std::uint16_t>(code), 0, 0, value};
}

// Tells of the calls in question before they happen. -1: it cannot.
int WatchThisThread() {
  static constexpr std::array<std::uint32_t, 7> kCalls{
      SYS_sendto, SYS_sendmsg, SYS_mount, SYS_umount2, SYS_unlink, SYS_unlinkat, SYS_rename};
  std::vector<sock_filter> code;
  code.reserve(2 * kCalls.size() + 2);
  code.push_back(Statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (auto const call : kCalls) {
    code.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, 1, call});
    code.push_back(Statement(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
  }
  code.push_back(Statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  sock_fprog const program{static_cast<std::uint16_t>(code.size()), code.data()};
  return static_cast<int>(
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
}

template <class T>
T Peek(pid_t pid, std::uint64_t address) {
  T value{};
  iovec const here{&value, sizeof value};
  iovec const there{reinterpret_cast<void*>(address), sizeof value};
  (void)::process_vm_readv(pid, &here, 1, &there, 1, 0);
  return value;
}

// The first bytes of what is sent, if it is netlink.
bool IsQuestion(nlmsghdr const& message, bool batches) {
  if (batches) return message.nlmsg_type != kBatchBegin;
  return (message.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP || message.nlmsg_type == RTM_GETLINK;
}

bool Changes(seccomp_notif const& call) {
  auto const pid = static_cast<pid_t>(call.pid);
  if (call.data.nr == SYS_sendto) return !IsQuestion(Peek<nlmsghdr>(pid, call.data.args[1]), false);
  if (call.data.nr != SYS_sendmsg) return true;
  auto const message = Peek<msghdr>(pid, call.data.args[1]);
  auto const first = Peek<iovec>(pid, reinterpret_cast<std::uint64_t>(message.msg_iov));
  return !IsQuestion(Peek<nlmsghdr>(pid, reinterpret_cast<std::uint64_t>(first.iov_base)), true);
}

// Until the child is gone.
Death Watch(pid_t child, UniqueFd const& listener, int at) {
  Death death;
  for (;;) {
    pollfd wait{listener.get(), POLLIN, 0};
    if (::poll(&wait, 1, -1) < 0 || (wait.revents & POLLIN) == 0) break;
    seccomp_notif call{};
    if (::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) continue;
    if (Changes(call) && ++death.changes == at) {
      ::kill(child, SIGKILL);
      break;
    }
    seccomp_notif_resp answer{call.id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    (void)::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  death.killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  death.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return death;
}

[[noreturn]] void Live(int told, std::function<void()> const& prepare,
                       std::function<int()> const& act) {
  prepare();
  int const listener = WatchThisThread();
  if (::write(told, &listener, sizeof listener) != sizeof listener) ::_exit(1);
  // No destructor runs: what was started stays, as when it is killed.
  ::_exit(act());
}

}  // namespace

Death RunMortal(int at, std::function<void()> const& prepare, std::function<int()> const& act) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  UniqueFd const hears(ends[0]);
  UniqueFd tells(ends[1]);
  pid_t const child = ::fork();
  if (child == 0) Live(tells.get(), prepare, act);
  tells.Reset();
  int number = -1;
  EXPECT_EQ(::read(hears.get(), &number, sizeof number), static_cast<ssize_t>(sizeof number));
  EXPECT_GE(number, 0) << "the kernel has no notifications of system calls";
  UniqueFd const process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  UniqueFd const listener(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), number, 0)));
  EXPECT_TRUE(listener);
  return Watch(child, listener, at);
}

}  // namespace trellis::testing
