// Network and mount namespaces of a test's own.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

namespace trellis::testing {

/// For the calling thread and whoever it starts: links and mounts disappear with them, whatever
/// goes wrong. Fails the test when not root.
inline void EnterOwnNamespaces() {
  ASSERT_EQ(::geteuid(), 0U) << "needs root";
  ASSERT_EQ(::unshare(CLONE_NEWNET | CLONE_NEWNS), 0);
  ASSERT_EQ(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
}

}  // namespace trellis::testing
