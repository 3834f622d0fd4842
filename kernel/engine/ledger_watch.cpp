#include "kernel/engine/ledger_watch.hpp"

#include "kernel/base/log.hpp"
#include "kernel/engine/engine.hpp"
#include "kernel/store/schema.hpp"

#include <trellis/json.hpp>

#include <pthread.h>

#include <algorithm>
#include <charconv>

namespace trellis::engine {
namespace {

constexpr std::size_t kPage = 256;
constexpr std::chrono::milliseconds kWait(1000);
constexpr std::int64_t kYoung =
    60;  // seconds: a sync does not remove what was accepted this recently
constexpr std::size_t kGuardCount = 3;
constexpr char const* kCanceled = "contract canceled event received";
constexpr char const* kNotActive = "contract not active on chain";

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
  auto const text =
      context_.readers.Run([](store::Database& db) { return store::GetMeta(db, "ledger_cursor"); });
  if (text && !text->empty()) std::from_chars(text->data(), text->data() + text->size(), cursor_);
  auto next_sync = std::chrono::steady_clock::now();
  bool away = false;
  while (!stop.stop_requested()) {
    if (std::chrono::steady_clock::now() >= next_sync) {
      if (auto const done = Sync(); !done)
        log::Warn("cannot compare with the ledger, retrying", {{"error", done.error().message}});
      next_sync =
          std::chrono::steady_clock::now() + std::chrono::seconds(context_.options.sync_interval_s);
    }
    auto const followed = Follow();
    if (!followed && !away)
      log::Warn("the ledger does not answer, retrying", {{"error", followed.error().message}});
    away = !followed;
    (void)context_.ledger.Wait(cursor_, kWait);  // an error shows in the next Follow
  }
}

Result<void> LedgerWatch::Follow() {
  while (true) {
    auto const page = context_.ledger.EventsAfter(cursor_, kPage);
    if (!page &&
        page.error().code == Code::kConflict) {  // events were dropped: compare everything instead
      TRELLIS_CHECK(Sync());
      TRELLIS_TRY(auto const head, context_.ledger.GetHead());
      cursor_ = head.last_seq;
      return StoreCursor();
    }
    if (!page) return tl::unexpected<Error>(page.error());
    if (page->events.empty()) return {};
    for (auto const& event : page->events)
      TRELLIS_CHECK(Handle(event));
    cursor_ = page->next;
    TRELLIS_CHECK(StoreCursor());
  }
}

Result<void> LedgerWatch::StoreCursor() {
  return context_.writer.Commit([this](store::Database& db) {
    return store::SetMeta(db, "ledger_cursor", std::to_string(cursor_));
  });
}

Result<void> LedgerWatch::Handle(ledger::Event const& event) {
  if (event.kind == ledger::EventKind::kNameContractCanceled) {
    context_.plugins.Publish(
        "ledger.name_canceled",
        boost::json::serialize(boost::json::object{{"contract_id", event.contract}}));
    return {};
  }
  if (event.node != context_.options.node_id) return {};
  store::DeploymentKey const key{event.twin, event.contract};
  if (event.kind == ledger::EventKind::kNodeContractCanceled) return engine_.Remove(key, kCanceled);
  if (event.kind == ledger::EventKind::kContractGracePeriodStarted) return engine_.Pause(key);
  if (event.kind == ledger::EventKind::kContractGracePeriodEnded) return engine_.Resume(key);
  return {};
}

Result<void> LedgerWatch::Sync() {
  TRELLIS_TRY(auto const live, context_.ledger.ListNodeContracts(context_.options.node_id));
  std::set<std::uint64_t> const active(live.ids.begin(), live.ids.end());
  TRELLIS_TRY(auto const stored, context_.readers.Run([](store::Database& db) {
    return store::ListDeployments(db, std::nullopt);
  }));
  std::vector<store::DeploymentRow> gone;
  auto const now = context_.clock.UnixSeconds();
  for (auto const& row : stored) {
    if (row.desired == store::Desired::kAbsent) continue;
    if (!active.contains(row.key.contract)) {
      if (now - row.created >= kYoung) gone.push_back(row);
      continue;
    }
    auto const contract = context_.ledger.GetContract(row.key.contract);
    if (!contract) continue;
    if (contract->in_grace() && row.desired == store::Desired::kPresent)
      TRELLIS_CHECK(engine_.Pause(row.key));
    if (!contract->in_grace() && row.desired == store::Desired::kPaused)
      TRELLIS_CHECK(engine_.Resume(row.key));
  }
  bool const many = gone.size() > kGuardCount && gone.size() * 2 > stored.size();
  bool const seen = std::all_of(gone.begin(), gone.end(), [this](auto const& row) {
    return suspected_.contains(row.key.contract);
  });
  suspected_.clear();
  if (many && !seen) {
    for (auto const& row : gone)
      suspected_.insert(row.key.contract);
    log::Warn("the ledger lacks most contracts, not removing before it says so again",
              {{"contracts", gone.size()}});
    return {};
  }
  for (auto const& row : gone)
    TRELLIS_CHECK(engine_.Remove(row.key, kNotActive));
  return {};
}

}  // namespace trellis::engine
