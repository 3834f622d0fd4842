#include "kernel/ledger/etcd/group_commit.hpp"

#include "kernel/base/random.hpp"

#include <algorithm>
#include <utility>

namespace trellis::ledger::etcd {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kMaxItems = 64;
constexpr std::size_t kMaxOperations = 110;   // etcd takes 128 as it is installed
constexpr std::size_t kMaxBytes = 1U << 20U;  // etcd takes 1.5 MiB
constexpr unsigned kMaxConflicts = 20;
constexpr std::uint64_t kJitterMs = 20;
constexpr milliseconds kSilencePause{100};
constexpr std::size_t kMaxQuestions = 100;
constexpr std::int64_t kLeaseSeconds = 90'000;  // 25 hours
constexpr std::chrono::hours kLeaseRenewal{1};

Range One(std::string key) {
  return {.key = std::move(key), .end = {}, .limit = 0, .descending = false};
}

std::string_view ValueOf(Found const& found) {
  return found.empty() ? std::string_view() : std::string_view(found.front().value);
}

}  // namespace

GroupCommit::GroupCommit(WriterState& state, std::deque<Item>& queue)
    : state_(state),
      queue_(queue),
      deadline_(queue.front().deadline),
      limit_(std::min(kMaxItems, queue.size())) {
  ++state_.group;
}

void GroupCommit::Run() {
  while (Attempt() == Next::kAgain) {
  }
}

GroupCommit::Next GroupCommit::Attempt() {
  ++attempt_;
  if (auto const renewed = RenewLease(); !renewed) return OnSilence(renewed.error());
  if (!state_.fresh) {
    auto const settled = Reload();
    if (!settled && settled.error().code == Code::kConflict) {  // a newer program's ledger
      FailAll(settled.error());
      return Next::kDone;
    }
    if (!settled) return OnSilence(settled.error());
    if (*settled) return Next::kDone;
  }
  View view(state_.gateway, &state_.known);
  auto outcomes = Apply(view);
  asked_ = view.asked();
  if (view.failure()) return OnSilence(*view.failure());
  return view.changed() ? Commit(view, std::move(outcomes)) : Verify(outcomes);
}

Result<void> GroupCommit::RenewLease() {
  auto const now = steady_clock::now();
  if (state_.lease != 0 && now - state_.lease_time < kLeaseRenewal) return {};
  TRELLIS_TRY(state_.lease, state_.gateway.GrantLease(kLeaseSeconds));
  state_.lease_time = now;
  return {};
}

std::vector<Range> GroupCommit::Questions() const {
  std::vector<Range> questions{One(state_.keys.Head()), One(state_.keys.Writer(state_.instance))};
  for (auto const& key : asked_) {
    if (questions.size() == kMaxQuestions) break;
    questions.push_back(One(key));
  }
  return questions;
}

/// Takes the answers to Questions. True: settled.
Result<bool> GroupCommit::Learn(Snapshot const& snapshot) {
  if (SettleByMark(snapshot.found[1])) return true;
  auto const& head = snapshot.found[0];
  TRELLIS_TRY(state_.known.head, ParseHead(ValueOf(head)));
  state_.known.head_revision = head.empty() ? 0 : head.front().mod_revision;
  state_.known.values.clear();
  for (std::size_t i = 2; i < snapshot.found.size(); ++i) {
    auto const& found = snapshot.found[i];
    std::optional<std::string> value;
    if (!found.empty()) value = found.front().value;
    state_.known.values.insert_or_assign(asked_[i - 2], std::move(value));
  }
  state_.fresh = true;
  return false;
}

Result<bool> GroupCommit::Reload() {
  TRELLIS_TRY(auto const snapshot, state_.gateway.Read(Questions()));
  return Learn(snapshot);
}

GroupCommit::Outcomes GroupCommit::Apply(View& view) {
  Times const times{.now = state_.clock.UnixSeconds(),
                    .keep_seconds = state_.options.keep_deleted_days * 86'400,
                    .request_lease = state_.lease};
  Outcomes outcomes;
  if (state_.known.head_revision == 0) FillRandom(view.head().genesis.bytes);
  while (outcomes.size() < limit_) {
    auto const& item = queue_[outcomes.size()];
    auto const mark = view.Here();
    KvState kv(view, state_.keys, times);
    rules::Write write{.state = kv,
                       .caller = item.caller,
                       .height = ++view.head().height,
                       .now = times.now,
                       .private_ranges = rules::PrivateRanges{state_.options.allow_private_ips}};
    auto outcome = item.work(view, write);
    if (view.failure()) break;
    bool const fits = view.operations() <= kMaxOperations && view.bytes() <= kMaxBytes;
    if (!fits && !outcomes.empty()) {  // it begins the next group
      view.Undo(mark);
      break;
    }
    if (!outcome || !view.ChangedSince(mark)) view.Undo(mark);  // then it is no write
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

/// Nothing to write: the answers hold if what they rest on still does.
GroupCommit::Next GroupCommit::Verify(Outcomes const& outcomes) {
  auto const snapshot = state_.gateway.Read({One(state_.keys.Head())});
  if (!snapshot) return OnSilence(snapshot.error());
  auto const& head = snapshot->found[0];
  auto const revision = head.empty() ? 0 : head.front().mod_revision;
  if (revision != state_.known.head_revision) {
    state_.fresh = false;
    return OnConflict();
  }
  Settle(outcomes);
  return Next::kDone;
}

GroupCommit::Next GroupCommit::Commit(View const& view, Outcomes outcomes) {
  auto const mark = fmt::format("{}.{}", state_.group, attempt_);
  Transaction transaction;
  transaction.guard = state_.keys.Head();
  transaction.guard_revision = state_.known.head_revision;
  transaction.otherwise = Questions();
  view.Fill(transaction);
  transaction.puts.push_back(
      {.key = state_.keys.Head(), .value = json::Dump(view.head()), .lease = 0});
  transaction.puts.push_back(
      {.key = state_.keys.Writer(state_.instance), .value = mark, .lease = state_.lease});
  // Also when etcd says no: the gateway may have had to ask twice, and the first one was carried
  // out.
  auto const& told = marked_.insert_or_assign(mark, std::move(outcomes)).first->second;
  auto const committed = state_.gateway.Commit(transaction);
  if (!committed && committed.error().code == Code::kUnavailable) {
    maybe_done_ = true;
    return OnSilence(committed.error());
  }
  if (!committed) return OnRefusal(committed.error());
  if (committed->applied) {
    view.Remember();
    state_.known.head_revision = committed->otherwise.revision;
    Settle(told);
    return Next::kDone;
  }
  state_.fresh = false;
  auto const settled = Learn(committed->otherwise);
  if (settled && *settled) return Next::kDone;
  return OnConflict();
}

/// etcd does not take the transaction as it is. One write at a time shows which.
GroupCommit::Next GroupCommit::OnRefusal(Error const& error) {
  state_.fresh = false;
  state_.lease = 0;
  if (limit_ > 1) {
    limit_ = 1;
    return Next::kAgain;
  }
  bool const many = error.message.find("too many operations") != std::string::npos;
  Outcomes outcomes;
  outcomes.push_back(Fail(error.code, "the ledger's etcd refuses the write: {}{}", error.message,
                          many ? " (its members need --max-txn-ops=4096)" : ""));
  Settle(outcomes);
  return Next::kDone;
}

GroupCommit::Next GroupCommit::OnSilence(Error error) {
  state_.fresh = false;
  state_.lease = 0;
  error.code = Code::kUnavailable;
  if (steady_clock::now() + kSilencePause < deadline_ && state_.pause(kSilencePause))
    return Next::kAgain;
  if (maybe_done_) error.message += "; the write may have been done";
  FailAll(std::move(error).With("ledger is unavailable"));
  return Next::kDone;
}

GroupCommit::Next GroupCommit::OnConflict() {
  if (++conflicts_ < kMaxConflicts &&
      (conflicts_ == 1 || state_.pause(milliseconds(RandomBelow(kJitterMs)))))
    return Next::kAgain;
  FailAll({Code::kConflict, "ledger is busy: others were quicker every time"});
  return Next::kDone;
}

bool GroupCommit::SettleByMark(Found const& writer) {
  auto const found = marked_.find(std::string(ValueOf(writer)));
  if (found == marked_.end()) return false;
  state_.fresh = false;
  Settle(found->second);
  return true;
}

void GroupCommit::Settle(Outcomes const& outcomes) {
  for (auto const& outcome : outcomes) {
    auto item = std::move(queue_.front());
    queue_.pop_front();
    item.done(outcome);
  }
}

void GroupCommit::FailAll(Error const& error) {
  for (; limit_ > 0; --limit_) {
    auto item = std::move(queue_.front());
    queue_.pop_front();
    item.done(tl::unexpected<Error>(error));
  }
}

}  // namespace trellis::ledger::etcd
