#include "kernel/engine/ledger_watch.hpp"

#include "kernel/base/log.hpp"
#include "kernel/engine/node_facts.hpp"
#include "kernel/store/listings.hpp"
#include "kernel/store/schema.hpp"

#include <trellis/json.hpp>

#include <pthread.h>

#include <algorithm>
#include <charconv>

namespace trellis::engine {
namespace {

constexpr std::size_t kPage = 256;
constexpr std::chrono::seconds kPatience(60);    // between looks when nothing wakes us
constexpr std::chrono::seconds kAwayPause(5);    // while the ledger does not answer
constexpr std::chrono::minutes kSecondLook(10);  // at the earliest, for a guarded sync
constexpr std::int64_t kYoung = 60;  // seconds: a sync does not remove what was accepted just now
constexpr std::size_t kGuardCount = 3;
constexpr char const* kCursor = "ledger_cursor";
constexpr char const* kHeight = "ledger_height";
constexpr char const* kCanceled = "contract canceled event received";
constexpr char const* kNotActive = "contract not active on chain";

Result<std::uint64_t> ReadNumber(store::Database& db, char const* key) {
  TRELLIS_TRY(auto const text, store::GetMeta(db, key));
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Also StoreNumber(char const* key, std::uint64_t number) {
  return [key, number](store::Database& db) {
    return store::SetMeta(db, key, std::to_string(number));
  };
}

bool Contains(std::vector<std::uint64_t> const& sorted, std::uint64_t id) {
  return std::binary_search(sorted.begin(), sorted.end(), id);
}

}  // namespace

LedgerWatch::~LedgerWatch() {
  thread_.request_stop();
  context_.ledger.Interrupt();
  if (thread_.joinable()) thread_.join();
}

void LedgerWatch::Start() {
  thread_ = std::jthread([this](std::stop_token const& stop) {
    (void)::pthread_setname_np(::pthread_self(), "ledger");
    Loop(stop);
  });
}

void LedgerWatch::Loop(std::stop_token const& stop) {
  using Clock = std::chrono::steady_clock;
  std::mutex mutex;
  std::condition_variable_any never;
  auto next_sync = Clock::now();
  bool away = false;
  while (!stop.stop_requested()) {
    auto done = Follow();
    if (done && Clock::now() >= next_sync) {
      done = Sync();
      auto const hour = std::chrono::seconds(context_.options.sync_interval_s);
      next_sync = Clock::now() + (soon_ ? std::min<Clock::duration>(kSecondLook, hour) : hour);
    }
    if (!done && !away)
      log::Warn("the ledger cannot be followed, retrying", {{"error", done.error().message}});
    away = !done;
    if (away) {  // waiting for events would not last
      std::unique_lock lock(mutex);
      (void)never.wait_for(lock, stop, kAwayPause, [] { return false; });
      continue;
    }
    auto const left = std::chrono::ceil<std::chrono::milliseconds>(next_sync - Clock::now());
    auto const wait =
        std::clamp<std::chrono::milliseconds>(left, std::chrono::milliseconds(1), kPatience);
    (void)context_.ledger.Wait(cursor_, wait);  // an error shows in the next Follow
  }
}

Result<void> LedgerWatch::ReadCursor() {
  if (started_) return {};
  TRELLIS_TRY(cursor_,
              context_.readers.Run([](store::Database& db) { return ReadNumber(db, kCursor); }));
  started_ = true;
  return {};
}

Result<void> LedgerWatch::Follow() {
  TRELLIS_CHECK(ReadCursor());
  while (true) {
    auto const page = context_.ledger.EventsAfter(cursor_, kPage);
    if (!page && page.error().code == Code::kConflict) return StartOver();
    if (!page) return tl::unexpected<Error>(page.error());
    bool const news = !page->events.empty();
    if (!news && page->next == cursor_) return {};
    for (auto const& event : page->events)
      TRELLIS_CHECK(Handle(event));
    if (cursor_ == page->next) continue;
    // Some ledgers move the cursor over stretches without events: not worth a commit.
    cursor_ = page->next;
    if (news) TRELLIS_CHECK(context_.writer.Commit(StoreNumber(kCursor, cursor_)));
  }
}

Result<void> LedgerWatch::StartOver() {
  // Events were dropped: what is there from now on is compared, and followed from before that.
  TRELLIS_TRY(auto const head, context_.ledger.GetHead());
  log::Warn("events of the ledger are missing, comparing everything",
            {{"cursor", cursor_}, {"head", head.last_seq}});
  TellTwinChange(0);
  TRELLIS_CHECK(Sync());
  cursor_ = head.last_seq;
  return context_.writer.Commit(StoreNumber(kCursor, cursor_));
}

void LedgerWatch::OnTwinChange(std::function<void(std::uint32_t)> listener) {
  std::lock_guard const lock(mutex_);
  twin_listener_ = std::move(listener);
}

void LedgerWatch::TellTwinChange(std::uint32_t twin) {
  std::lock_guard const lock(mutex_);
  if (twin_listener_) twin_listener_(twin);
}

Result<void> LedgerWatch::Handle(ledger::Event const& event) {
  if (event.seq <= cursor_ && event.seq != 0) return {};  // had it already
  store::DeploymentKey const key{event.twin, event.contract};
  auto const note = StoreNumber(kCursor, event.seq);
  bool const ours = event.node == context_.options.node_id;
  Result<void> done;
  switch (event.kind.value) {
    case ledger::EventKind::kNodeContractCanceled:
      if (!ours) return {};
      done = orders_.remove(key, kCanceled, note);
      break;
    case ledger::EventKind::kContractGracePeriodStarted:
      if (!ours) return {};
      done = orders_.pause(key, note);
      break;
    case ledger::EventKind::kContractGracePeriodEnded:
      if (!ours) return {};
      done = orders_.resume(key, note);
      break;
    case ledger::EventKind::kNameContractCanceled:
      context_.plugins.Publish(
          "ledger.name_canceled",
          boost::json::serialize(boost::json::object{{"contract_id", event.contract}}));
      return {};
    case ledger::EventKind::kTwinStored:
    case ledger::EventKind::kTwinUpdated:
      TellTwinChange(event.twin);
      return {};
    case ledger::EventKind::kNodePublicConfigStored:
      return ours ? NodeChanged(event) : Result<void>();
    default:  // nothing that concerns the engine
      return {};
  }
  if (done) cursor_ = event.seq;
  return done;
}

Result<void> LedgerWatch::NodeChanged(ledger::Event const& event) {
  std::optional<ledger::PublicConfig> stored;
  TRELLIS_CHECK(json::Decode(event.body, stored));
  auto const config = PublicConfigText(stored);
  TRELLIS_CHECK(context_.writer.Commit(
      [&](store::Database& db) { return store::SetMeta(db, kPublicConfig, config); }));
  context_.plugins.Publish("node.changed", NodeText(context_.options.node_facts, config));
  return {};
}

Result<void> LedgerWatch::CheckHeight(std::uint64_t height) {
  TRELLIS_TRY(auto const seen,
              context_.readers.Run([](store::Database& db) { return ReadNumber(db, kHeight); }));
  if (height < seen) {
    return Fail(Code::kUnavailable, "the ledger answers as of height {}, it was at {} before",
                height, seen);
  }
  if (height == seen) return {};
  return context_.writer.Commit(StoreNumber(kHeight, height));
}

Result<void> LedgerWatch::Sync() {
  TRELLIS_TRY(auto answer, context_.ledger.ListNodeContracts(context_.options.node_id));
  TRELLIS_CHECK(CheckHeight(answer.height));
  Live const live{std::move(answer.ids), std::move(answer.grace)};
  std::size_t stored = 0;
  TRELLIS_TRY(auto const found, Compare(live, stored));
  if (LooksWrong(found, stored)) return {};
  for (auto const& item : found)
    TRELLIS_CHECK(Carry(item));
  return {};
}

Result<std::vector<LedgerWatch::Found>> LedgerWatch::Compare(Live const& live,
                                                             std::size_t& stored) {
  std::vector<Found> found;
  store::DeploymentKey after;
  while (true) {
    TRELLIS_TRY(auto const page, context_.readers.Run([&](store::Database& db) {
      return store::ListBriefs(db, after, kPage);
    }));
    for (auto const& row : page) {
      TRELLIS_TRY(auto const wanted, WantedOf(live, row.key, row.desired, row.created));
      if (wanted != Wanted::kNothing) found.push_back({row.key, wanted});
    }
    stored += page.size();
    if (page.size() < kPage) return found;
    after = page.back().key;
  }
}

Result<LedgerWatch::Wanted> LedgerWatch::WantedOf(Live const& live, store::DeploymentKey key,
                                                  store::Desired desired, std::int64_t created) {
  if (desired == store::Desired::kAbsent) return Wanted::kNothing;
  if (!Contains(live.ids, key.contract)) {
    bool const young = context_.clock.UnixSeconds() - created < kYoung;
    return young ? Wanted::kNothing : Wanted::kRemove;
  }
  bool grace = false;
  if (live.grace.has_value()) {
    grace = Contains(*live.grace, key.contract);
  } else {
    auto const contract = context_.ledger.GetContract(key.contract);
    if (!contract && contract.error().code == Code::kNotFound) return Wanted::kNothing;
    if (!contract) return tl::unexpected<Error>(contract.error());
    grace = contract->in_grace();
  }
  if (grace == (desired == store::Desired::kPaused)) return Wanted::kNothing;
  return grace ? Wanted::kPause : Wanted::kResume;
}

bool LedgerWatch::LooksWrong(std::vector<Found> const& found, std::size_t stored) {
  std::set<std::uint64_t> gone;
  for (auto const& item : found) {
    if (item.wanted == Wanted::kRemove) gone.insert(item.key.contract);
  }
  auto const now = context_.clock.MonotonicNs();
  bool const many = gone.size() > kGuardCount && gone.size() * 2 > stored;
  bool const seen = std::includes(suspected_.begin(), suspected_.end(), gone.begin(), gone.end()) &&
                    now - suspected_ns_ >= std::chrono::nanoseconds(kSecondLook).count();
  soon_ = many && !seen;
  if (!soon_) {
    suspected_.clear();
    return false;
  }
  bool const same = std::includes(suspected_.begin(), suspected_.end(), gone.begin(), gone.end());
  if (!same) suspected_ns_ = now;
  if (!same)
    log::Warn("the ledger lacks most contracts, not removing before it says so again",
              {{"contracts", gone.size()}, {"stored", stored}});
  suspected_ = std::move(gone);
  return true;
}

Result<void> LedgerWatch::Carry(Found const& found) {
  switch (found.wanted) {
    case Wanted::kRemove:
      return orders_.remove(found.key, kNotActive, {});
    case Wanted::kPause:
      return orders_.pause(found.key, {});
    case Wanted::kResume:
      return orders_.resume(found.key, {});
    case Wanted::kNothing:
      return {};
  }
  return {};
}

}  // namespace trellis::engine
