#include "kernel/ledger/etcd/writer.hpp"

#include "kernel/base/random.hpp"
#include "kernel/ledger/etcd/pruning.hpp"

#include <pthread.h>

#include <algorithm>
#include <future>
#include <utility>

namespace trellis::ledger::etcd {
namespace {

constexpr std::int64_t kPruningInterval = 60;  // seconds
constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr std::size_t kMaxKnownValues = 20'000;

}  // namespace

Writer::Writer(Gateway& gateway, Keys const& keys, EtcdOptions const& options, Clock const& clock,
               std::function<void(HeadRecord const&)> written)
    : options_(options),
      clock_(clock),
      written_(std::move(written)),
      state_{.gateway = gateway,
             .keys = keys,
             .options = options,
             .clock = clock,
             .pause = [this](auto time) { return Pause(time); },
             .instance = RandomUuid()} {
  thread_ = std::thread([this] {
    (void)::pthread_setname_np(::pthread_self(), "ledger-write");
    Loop();
  });
}

Writer::~Writer() {
  {
    std::lock_guard const lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Outcome Writer::Write(Caller const& caller, Item::Work work) {
  // Shared by the queue entry alone; std::function needs a copyable callable.
  auto promise = std::make_shared<std::promise<Outcome>>();
  auto outcome = promise->get_future();
  {
    std::lock_guard const lock(mutex_);
    queue_.push_back({.caller = caller,
                      .work = std::move(work),
                      .done = [promise](Outcome told) { promise->set_value(std::move(told)); },
                      .deadline = std::chrono::steady_clock::now() + options_.write_patience});
  }
  changed_.notify_all();
  return outcome.get();
}

bool Writer::Pause(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, time, [this] { return stopping_; });
}

void Writer::AddPruning(std::deque<Item>& group) {
  auto const now = clock_.UnixSeconds();
  if (now < next_pruning_) return;
  next_pruning_ = now + kPruningInterval;
  Caller nobody;
  group.push_front(
      {.caller = nobody,
       .work = [this, now](View& view, rules::Write&) -> Outcome {
         TRELLIS_TRY(bool const more,
                     Prune(view, state_.keys, now - options_.keep_deleted_days * kSecondsPerDay));
         if (more) next_pruning_ = 0;
         return rules::Ids{};
       },
       .done = [](Outcome const&) {},
       .deadline = group.front().deadline});
}

void Writer::Loop() {
  std::deque<Item> group;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (group.empty()) changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      std::move(queue_.begin(), queue_.end(), std::back_inserter(group));
      queue_.clear();
    }
    if (group.empty()) return;
    AddPruning(group);
    if (state_.known.values.size() > kMaxKnownValues) state_.known.values.clear();
    GroupCommit(state_, group).Run();
    if (state_.fresh) written_(state_.known.head);
  }
}

}  // namespace trellis::ledger::etcd
