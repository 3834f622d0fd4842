#include "plugins/zmachine/inherited.hpp"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <sstream>

namespace trellis::plugins::zmachine {
namespace {

constexpr std::size_t kMaxStat = 4096;
// How long an ended child may wait while there is a scope: nothing tells of the end of a child that
// this process does not know yet.
constexpr std::chrono::milliseconds kLookEvery{20};

/// Whoever starts through a middleman makes a new session first and leaves it to the middleman, so
/// the child's session is neither this process's nor its own.
bool IsInherited(pid_t pid) {
  auto const text = ReadFile(fmt::format("/proc/{}/stat", pid), kMaxStat);
  if (!text) return false;  // it is gone
  // The name in brackets is the program's choice and may hold anything.
  auto const name_end = text->rfind(')');
  if (name_end == std::string::npos) return false;
  std::istringstream rest(text->substr(name_end + 1));
  char state = 0;
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  if (!(rest >> state >> parent >> group >> session)) return false;
  return parent == ::getpid() && session != pid && session != ::getsid(0);
}

std::vector<pid_t> ListInherited() {
  std::vector<pid_t> found;
  auto const names = ListDir("/proc");
  if (!names) return found;
  for (auto const& name : *names) {
    pid_t pid = 0;
    auto const [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    bool const number = error == std::errc() && end == name.data() + name.size();
    if (number && IsInherited(pid)) found.push_back(pid);
  }
  return found;
}

}  // namespace

InheritedChildren::Scope::Scope(InheritedChildren& children) : children_(children) {
  std::lock_guard const lock(children_.mutex_);
  if (++children_.scopes_ > 1) return;
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  children_.reaper_ = std::jthread(
      [&children = children_](std::stop_token const& stop) { children.ReapUntil(stop); });
}

InheritedChildren::Scope::~Scope() {
  std::jthread reaper;  // ends outside of the lock that it takes
  std::lock_guard const lock(children_.mutex_);
  if (--children_.scopes_ > 0) return;
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  reaper = std::move(children_.reaper_);
}

std::vector<UniqueFd> InheritedChildren::FindNew() {
  std::vector<UniqueFd> fresh;
  std::lock_guard const lock(mutex_);
  auto const inherited = ListInherited();
  for (pid_t const pid : inherited) {
    if (given_.contains(pid)) continue;
    UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (fd) fresh.push_back(std::move(fd));
  }
  given_ = {inherited.begin(), inherited.end()};
  return fresh;
}

void InheritedChildren::ReapUntil(std::stop_token const& stop) {
  ::pthread_setname_np(::pthread_self(), "vm-reaper");
  std::mutex own;
  std::unique_lock lock(own);
  auto const never = [] { return false; };
  while (!ending_.wait_for(lock, stop, kLookEvery, never) && !stop.stop_requested()) {
    for (pid_t const pid : ListInherited())
      ::waitpid(pid, nullptr, WNOHANG);
  }
}

void ReapChild(int pidfd) {
  siginfo_t info{};
  (void)::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG);
}

}  // namespace trellis::plugins::zmachine
