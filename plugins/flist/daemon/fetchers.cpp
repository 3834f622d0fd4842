#include "plugins/flist/daemon/fetchers.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <shared_mutex>
#include <thread>

namespace trellis::plugins::flist {

namespace {

constexpr int kThreads = 4;

}  // namespace

struct Fetchers::State {
  std::shared_ptr<ImageFiles> files;
  std::mutex mutex;  // guards the two below
  std::deque<PendingRead> reads;
  bool closed = false;
  std::condition_variable news;
  std::shared_mutex answering;  // shared by those who answer, alone for who ends that
  bool silent = false;          // guarded by answering
};

Fetchers::Fetchers(std::shared_ptr<ImageFiles> files) : state_(std::make_shared<State>()) {
  state_->files = std::move(files);
  for (int i = 0; i < kThreads; ++i)
    std::thread([state = state_] { Work(state); }).detach();
}

ImageFiles& Fetchers::files() const {
  return *state_->files;
}

void Fetchers::Post(PendingRead read) {
  std::lock_guard const lock(state_->mutex);
  state_->reads.push_back(std::move(read));
  state_->news.notify_one();
}

void Fetchers::Work(std::shared_ptr<State> const& state) {
  while (true) {
    std::unique_lock lock(state->mutex);
    state->news.wait(lock, [&] { return state->closed || !state->reads.empty(); });
    if (state->closed) return;
    auto const read = std::move(state->reads.front());
    state->reads.pop_front();
    lock.unlock();
    auto const pieces = state->files->Read(*read.file, read.offset, read.size);
    std::shared_lock const answering(state->answering);
    if (state->silent) return;  // the session is gone, and the request with it
    ReplyRead(read.request, pieces);
  }
}

void Fetchers::Close() {
  {
    std::lock_guard const lock(state_->mutex);
    state_->closed = true;
    state_->reads.clear();
  }
  state_->news.notify_all();
  std::lock_guard const alone(state_->answering);
  state_->silent = true;
}

}  // namespace trellis::plugins::flist
