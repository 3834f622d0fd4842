#include "kernel/engine/crew.hpp"

#include <pthread.h>

#include <string>
#include <thread>
#include <utility>

namespace trellis::engine {

Crew::Crew(std::function<void(Worker&)> work) : work_(std::move(work)) {}

Crew::~Crew() {
  Wait();
}

void Crew::Wait() {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, [this] { return state_->active == 0; });
}

void Crew::Leave(State& state) {
  std::lock_guard const lock(state.mutex);
  --state.active;
  state.changed.notify_all();
}

void Crew::Add() {
  std::string name;
  {
    std::lock_guard const lock(state_->mutex);
    ++state_->active;
    name = fmt::format("job-{}", state_->started++);
  }
  // Detached: how else could one be left behind?
  std::thread([state = state_, name = std::move(name), work = work_] {
    (void)::pthread_setname_np(::pthread_self(), name.c_str());
    Worker worker;
    work(worker);
    if (!worker.lost) Leave(*state);
  }).detach();
}

void Crew::Replace(Worker& worker) {
  worker.lost = true;
  auto const state = state_;
  Add();
  Leave(*state);  // from here on the crew may be gone
}

}  // namespace trellis::engine
