#include "kernel/rmb/twin_cache.hpp"

#include <future>
#include <utility>

namespace trellis::rmb {
namespace {

constexpr std::size_t kThreads = 4;
constexpr std::int64_t kNsPerSecond = 1'000'000'000;

}  // namespace

TwinCache::TwinCache(TwinDirectory& twins, TwinCacheOptions const& options, Clock const& clock)
    : twins_(twins),
      options_(options),
      clock_(clock),
      pool_("twins", FairLimits{kThreads, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX}) {}

std::int64_t TwinCache::Now() const {
  return clock_.MonotonicNs() / kNsPerSecond;
}

std::optional<TwinCache::Found> TwinCache::Peek(std::uint32_t id) {
  std::lock_guard const lock(mutex_);
  auto const entry = entries_.find(id);
  bool const known =
      entry != entries_.end() && entry->second.found.has_value() && entry->second.until > Now();
  if (!known) return std::nullopt;
  ++counters_.hits;
  return entry->second.found;
}

void TwinCache::Fetch(std::uint32_t id, Callback callback) {
  if (auto const known = Peek(id)) return callback(*known);
  Look(id, std::move(callback), /*refetch=*/false);
}

void TwinCache::Refetch(std::uint32_t id, Callback callback) {
  {
    std::lock_guard const lock(mutex_);
    auto const entry = entries_.find(id);
    bool const recent =
        entry != entries_.end() && Now() - entry->second.refetched < options_.refetch_s;
    if (!recent) entries_[id].until = 0;
  }
  Look(id, std::move(callback), /*refetch=*/true);
}

TwinCache::Found TwinCache::Get(std::uint32_t id) {
  auto promise = std::make_shared<std::promise<Found>>();
  auto future = promise->get_future();
  Fetch(id, [promise](Found found) { promise->set_value(std::move(found)); });
  return future.get();
}

void TwinCache::Look(std::uint32_t id, Callback callback, bool refetch) {
  std::unique_lock lock(mutex_);
  auto const now = Now();
  auto const known = entries_.find(id);
  if (known != entries_.end() && known->second.found.has_value() && known->second.until > now) {
    auto found = *known->second.found;
    lock.unlock();
    return callback(std::move(found));
  }
  if (waiting_ >= options_.waiting) {
    lock.unlock();
    return callback(
        Fail(Code::kUnavailable, "too many twins are being looked up, try again later"));
  }
  MakeRoom(now);
  auto& entry = entries_[id];
  ++counters_.misses;
  if (refetch) entry.refetched = now;
  entry.waiting.push_back(std::move(callback));
  ++waiting_;
  if (std::exchange(entry.looking, true)) return;
  auto const generation = entry.generation = ++generation_;
  lock.unlock();
  // The pool drops what waits when it ends: those who wait for the look-up hear of that, too.
  auto const ran = std::make_shared<bool>(false);  // shared with the work
  std::shared_ptr<void> const dropped(nullptr, [this, id, generation, ran](void*) {
    if (!*ran) Finish(id, Fail(Code::kUnavailable, "the node is stopping"), generation);
  });
  (void)pool_.Post(id, Lane::kNormal, 0, [this, id, generation, ran, dropped] {
    *ran = true;
    auto twin = twins_.Twin(id);
    if (!twin) return Finish(id, tl::unexpected<Error>(twin.error()), generation);
    Finish(id, std::make_shared<TwinInfo const>(*std::move(twin)), generation);
  });
}

void TwinCache::Finish(std::uint32_t id, Found found, std::uint64_t generation) {
  std::unique_lock lock(mutex_);
  auto& entry = entries_[id];
  auto const waiting = std::exchange(entry.waiting, {});
  waiting_ -= waiting.size();
  entry.looking = false;
  bool const stale =
      entry.generation != generation;  // forgotten meanwhile: good for those who asked
  bool const known = found.has_value();
  bool const keep = !stale && (known || found.error().code == Code::kNotFound);
  entry.until = keep ? Now() + (known ? options_.known_s : options_.unknown_s) : 0;
  if (keep) entry.found = found;
  lock.unlock();
  for (auto const& callback : waiting)
    callback(found);
}

void TwinCache::MakeRoom(std::int64_t now) {
  if (entries_.size() < options_.entries) return;
  std::erase_if(entries_,
                [&](auto const& item) { return !item.second.looking && item.second.until <= now; });
  for (auto it = entries_.begin(); it != entries_.end() && entries_.size() >= options_.entries;)
    it = it->second.looking ? std::next(it) : entries_.erase(it);
}

void TwinCache::Forget(std::uint32_t id) {
  std::lock_guard const lock(mutex_);
  auto const entry = entries_.find(id);
  if (entry == entries_.end()) return;
  entry->second.until = 0;
  entry->second.generation = ++generation_;
}

void TwinCache::Flush() {
  std::lock_guard const lock(mutex_);
  ++counters_.flushes;
  for (auto& [id, entry] : entries_) {
    entry.until = 0;
    entry.generation = ++generation_;
  }
}

TwinCacheCounters TwinCache::counters() const {
  std::lock_guard const lock(mutex_);
  auto out = counters_;
  out.entries = entries_.size();
  return out;
}

}  // namespace trellis::rmb
