// Machines as children of this process. libvirt starts them through a middleman, whose end makes
// them children of process 1, and when it stops one it waits until it has been reaped. Not
// every process 1 does that at once; some in containers never do.
#pragma once

#include "plugins/common/posix/files.hpp"

#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace trellis::plugins::zmachine {

/// Takes children over while there is a Scope. Thread-safe.
class InheritedChildren {
 public:
  /// While one lives, what is started through a middleman becomes a child of this process, and is
  /// reaped when it ends: the driver also waits for emulators that it only asks for their abilities
  /// (thread `vm-reaper`, as long as there is a Scope).
  class Scope {
   public:
    explicit Scope(InheritedChildren& children);
    ~Scope();
    Scope(Scope const&) = delete;
    Scope& operator=(Scope const&) = delete;
    Scope(Scope&&) = delete;
    Scope& operator=(Scope&&) = delete;

   private:
    InheritedChildren& children_;
  };

  InheritedChildren() = default;
  ~InheritedChildren() = default;
  InheritedChildren(InheritedChildren const&) = delete;
  InheritedChildren& operator=(InheritedChildren const&) = delete;
  InheritedChildren(InheritedChildren&&) = delete;
  InheritedChildren& operator=(InheritedChildren&&) = delete;

  /// Descriptors of the inherited children that were not given before: readable when the child
  /// has ended, then ReapChild is due. Children that this process started itself are never given.
  std::vector<UniqueFd> FindNew();

 private:
  void ReapUntil(std::stop_token const& stop);

  std::mutex mutex_;
  std::condition_variable_any ending_;
  unsigned scopes_ = 0;    // guarded by mutex_
  std::jthread reaper_;    // guarded by mutex_; runs while there is a scope
  std::set<pid_t> given_;  // guarded by mutex_
};

/// Reaps the child of that descriptor when it has ended.
void ReapChild(int pidfd);

}  // namespace trellis::plugins::zmachine
