#include "plugins/zmachine/inherited.hpp"

#include "tests/support/patience.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

namespace trellis::plugins::zmachine {
namespace {

/// Starts a process that only waits, through a middleman that has ended when this returns.
pid_t StartThroughAMiddleman() {
  int pipe[2];
  if (::pipe(pipe) != 0) return -1;
  pid_t const middleman = ::fork();
  if (middleman == 0) {
    ::setsid();
    pid_t const child = ::fork();
    if (child == 0) {
      ::pause();
      ::_exit(0);
    }
    bool const told = ::write(pipe[1], &child, sizeof child) == sizeof child;
    ::_exit(told ? 0 : 1);
  }
  UniqueFd const reader(pipe[0]);
  UniqueFd const writer(pipe[1]);
  pid_t child = -1;
  if (::waitpid(middleman, nullptr, 0) != middleman) return -1;
  return ::read(reader.get(), &child, sizeof child) == sizeof child ? child : -1;
}

TEST(InheritedChildren, AreFoundOnceAndReapedAtTheirEnd) {
  InheritedChildren children;
  std::vector<UniqueFd> found;
  pid_t child = -1;
  {
    InheritedChildren::Scope const scope(children);
    child = StartThroughAMiddleman();
    ASSERT_GT(child, 0);
    found = children.FindNew();
    EXPECT_EQ(children.FindNew().size(), 0U);
  }
  ASSERT_EQ(found.size(), 1U);
  ReapChild(found[0].get());
  EXPECT_EQ(::kill(child, 0), 0) << "it runs";

  ASSERT_EQ(::kill(child, SIGKILL), 0);
  pollfd ended{found[0].get(), POLLIN, 0};
  ASSERT_EQ(::poll(&ended, 1, -1), 1);
  EXPECT_EQ(::kill(child, 0), 0) << "ended, not yet reaped";
  ReapChild(found[0].get());
  EXPECT_NE(::kill(child, 0), 0);
}

TEST(InheritedChildren, ThatEndWhileTheirStarterWaitsAreReaped) {
  InheritedChildren children;
  InheritedChildren::Scope const scope(children);
  pid_t const child = StartThroughAMiddleman();
  ASSERT_GT(child, 0);

  ASSERT_EQ(::kill(child, SIGKILL), 0);

  auto const end = std::chrono::steady_clock::now() + trellis::testing::kPatience;
  while (::kill(child, 0) == 0 && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
  EXPECT_NE(::kill(child, 0), 0);
}

TEST(InheritedChildren, AreNotThoseThatThisProcessStarted) {
  InheritedChildren children;
  InheritedChildren::Scope const scope(children);
  pid_t const own = ::fork();
  if (own == 0) {
    ::pause();
    ::_exit(0);
  }

  auto const found = children.FindNew();

  ::kill(own, SIGKILL);
  EXPECT_EQ(::waitpid(own, nullptr, 0), own);
  EXPECT_EQ(found.size(), 0U);
}

TEST(InheritedChildren, GoElsewhereOutsideOfAScope) {
  InheritedChildren children;
  { InheritedChildren::Scope const scope(children); }
  pid_t const child = StartThroughAMiddleman();
  ASSERT_GT(child, 0);

  auto const found = children.FindNew();

  ::kill(child, SIGKILL);
  EXPECT_EQ(found.size(), 0U);
}

}  // namespace
}  // namespace trellis::plugins::zmachine
