#include "kernel/ledger/etcd/news.hpp"

#include "kernel/ledger/etcd/head.hpp"

#include <pthread.h>

#include <algorithm>

namespace trellis::ledger::etcd {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A watch that goes silent (its member is cut off) delays nobody by more than this.
constexpr milliseconds kLookInterval{5000};
constexpr milliseconds kSilentWatch{60'000};
constexpr milliseconds kRetry{500};

}  // namespace

News::~News() {
  {
    std::lock_guard const lock(mutex_);
    stopping_ = true;
    if (watch_ != nullptr) watch_->Cancel();
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void News::Start() {
  std::lock_guard const lock(mutex_);
  if (thread_.joinable() || interrupted_) return;
  thread_ = std::thread([this] {
    (void)::pthread_setname_np(::pthread_self(), "ledger-news");
    Loop();
  });
}

Result<bool> News::Wait(std::uint64_t cursor, milliseconds timeout) {
  auto const deadline = steady_clock::now() + timeout;
  Start();
  for (;;) {
    auto const looked = Look();
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, std::min(deadline, steady_clock::now() + kLookInterval),
                        [&] { return newest_ > cursor || interrupted_; });
    if (newest_ > cursor) return true;
    if (interrupted_) return false;
    if (steady_clock::now() < deadline) continue;
    TRELLIS_CHECK(looked);
    return false;
  }
}

Result<void> News::Look() {
  std::vector<Range> const head_key{
      {.key = keys_.Head(), .end = {}, .limit = 0, .descending = false}};
  TRELLIS_TRY(auto const snapshot, gateway_.Read(head_key, Members::Try::kAll));
  auto const& found = snapshot.found.front();
  TRELLIS_TRY(auto const head, ParseHead(found.empty() ? "" : found.front().value));
  Tell(head.event);
  return {};
}

void News::Tell(std::uint64_t seq) {
  {
    std::lock_guard const lock(mutex_);
    if (seq <= newest_) return;
    newest_ = seq;
  }
  changed_.notify_all();
}

void News::Interrupt() {
  {
    std::lock_guard const lock(mutex_);
    interrupted_ = true;
  }
  changed_.notify_all();
}

void News::Loop() {
  for (;;) {
    auto const watch = gateway_.Watch(keys_.Head(), from_);
    std::unique_lock lock(mutex_);
    if (stopping_) return;
    bool good = false;
    if (watch) {
      watch_ = watch->get();
      lock.unlock();
      good = Follow(**watch);
      if (!good) gateway_.Avoid();
      lock.lock();
      watch_ = nullptr;
    }
    if (!good) changed_.wait_for(lock, kRetry, [this] { return stopping_; });
    if (stopping_) return;
  }
}

bool News::Follow(Connection& watch) {
  for (;;) {
    auto const news = ReadWatch(watch, kSilentWatch);
    if (!news) return news.error().code == Code::kTimeout;
    if (news->compacted) {  // what was missed shows at the next look
      from_ = 0;
      return true;
    }
    from_ = std::max(from_, news->revision + 1);
    for (auto const& change : news->changed) {
      if (auto const head = ParseHead(change.value)) Tell(head->event);
    }
  }
}

}  // namespace trellis::ledger::etcd
