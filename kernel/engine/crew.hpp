// The threads that carry jobs out.
#pragma once

#include "kernel/engine/scheduler.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

namespace trellis::engine {

/// Threads `job-N`. One that a plugin does not give back is replaced, and not waited for.
class Crew {
 public:
  /// `work` returns when there is nothing to do any more, or when its worker was lost.
  explicit Crew(std::function<void(Worker&)> work);
  /// Waits for the workers, but not for lost ones.
  ~Crew();
  Crew(Crew const&) = delete;
  Crew& operator=(Crew const&) = delete;

  void Add();
  /// As the destructor does.
  void Wait();
  /// The worker's thread belongs to a plugin from now on; another one takes its place.
  void Replace(Worker& worker);

 private:
  /// Shared with the threads: a lost one may outlive everything else.
  struct State {
    std::mutex mutex;  // guards both
    std::condition_variable changed;
    std::size_t active = 0;
    std::size_t started = 0;
  };
  static void Leave(State& state);

  std::function<void(Worker&)> work_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace trellis::engine
