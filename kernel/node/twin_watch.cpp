#include "kernel/node/twin_watch.hpp"

#include <pthread.h>

#include <condition_variable>
#include <mutex>

namespace trellis::node {
namespace {

constexpr std::size_t kPage = 256;
constexpr std::chrono::seconds kPatience(60);
constexpr std::chrono::seconds kAwayPause(2);

}  // namespace

TwinWatch::TwinWatch(ledger::Ledger& ledger, std::function<void(std::uint32_t)> changed)
    : ledger_(ledger), changed_(std::move(changed)), thread_([this](std::stop_token const& stop) {
        (void)::pthread_setname_np(::pthread_self(), "ledger");
        Loop(stop);
      }) {}

TwinWatch::~TwinWatch() {
  thread_.request_stop();
  ledger_.Interrupt();
}

void TwinWatch::Loop(std::stop_token const& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  while (!stop.stop_requested()) {
    if (Follow()) {
      (void)ledger_.Wait(cursor_, kPatience);  // an error shows in the next Follow
      continue;
    }
    std::unique_lock lock(mutex);
    (void)never.wait_for(lock, stop, kAwayPause, [] { return false; });
  }
}

Result<void> TwinWatch::Follow() {
  using ledger::EventKind;
  while (true) {
    auto const page =
        started_ ? ledger_.EventsAfter(cursor_, kPage) : Fail(Code::kConflict, "not started yet");
    if (!page && page.error().code == Code::kConflict) {  // some were missed
      TRELLIS_TRY(auto const head, ledger_.GetHead());
      cursor_ = head.last_seq;
      started_ = true;
      changed_(0);
      return {};
    }
    if (!page) return tl::unexpected<Error>(page.error());
    for (auto const& event : page->events) {
      if (event.kind == EventKind::kTwinStored || event.kind == EventKind::kTwinUpdated)
        changed_(event.twin);
    }
    cursor_ = page->next;
    if (page->events.empty()) return {};
  }
}

}  // namespace trellis::node
