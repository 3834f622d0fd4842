#include "kernel/ledger/etcd/view.hpp"

#include <algorithm>
#include <utility>

namespace trellis::ledger::etcd {

Result<Found> View::Fetch(Range const& range) {
  auto snapshot = gateway_.Read({range});
  if (snapshot) return std::move(snapshot->found.front());
  failure_ = snapshot.error();
  return tl::unexpected<Error>(std::move(snapshot).error());
}

Result<std::optional<std::string>> View::Get(std::string const& key) {
  if (auto const changed = changes_.find(key); changed != changes_.end())
    return changed->second.value;
  asked_.push_back(key);
  if (known_ != nullptr) {
    if (auto const known = known_->values.find(key); known != known_->values.end())
      return known->second;
  }
  TRELLIS_TRY(auto found, Fetch({.key = key, .end = {}, .limit = 0, .descending = false}));
  std::optional<std::string> value;
  if (!found.empty()) value = std::move(found.front().value);
  if (known_ != nullptr) known_->values.insert_or_assign(key, value);
  return value;
}

Result<Found> View::List(std::string const& prefix, std::size_t limit) {
  auto const end = PrefixEnd(prefix);
  // As many more as may be deleted by the group.
  auto const first = changes_.lower_bound(prefix);
  auto const last = changes_.lower_bound(end);
  auto const own = static_cast<std::size_t>(std::distance(first, last));
  TRELLIS_TRY(
      auto found,
      Fetch(
          {.key = prefix, .end = end, .limit = limit == 0 ? 0 : limit + own, .descending = false}));
  std::map<std::string, std::string> merged;
  for (auto& pair : found)
    merged.emplace(std::move(pair.key), std::move(pair.value));
  for (auto change = first; change != last; ++change) {
    if (change->second.value) {
      merged.insert_or_assign(change->first, *change->second.value);
    } else {
      merged.erase(change->first);
    }
  }
  Found list;
  for (auto& [key, value] : merged) {
    if (limit != 0 && list.size() == limit) break;
    list.push_back({.key = key, .value = std::move(value), .mod_revision = 0});
  }
  return list;
}

void View::Set(std::string const& key, Change change) {
  Step step{.key = key, .before = std::nullopt};
  bytes_ += key.size() + (change.value ? change.value->size() : 0);
  if (auto const present = changes_.find(key); present != changes_.end())
    step.before = present->second;
  changes_.insert_or_assign(key, std::move(change));
  journal_.push_back(std::move(step));
}

void View::Put(std::string const& key, std::string value, std::int64_t lease) {
  Set(key, {.value = std::move(value), .lease = lease});
}

void View::Delete(std::string const& key) {
  Set(key, {.value = std::nullopt, .lease = 0});
}

void View::DeleteRange(Range const& range) {
  ranges_.push_back(range);
}

void View::Undo(Mark const& mark) {
  while (journal_.size() > mark.journal) {
    auto step = std::move(journal_.back());
    journal_.pop_back();
    if (step.before) {
      changes_.insert_or_assign(std::move(step.key), *std::move(step.before));
    } else {
      changes_.erase(step.key);
    }
  }
  ranges_.resize(mark.ranges);
  head_ = mark.head;
}

void View::Fill(Transaction& transaction) const {
  for (auto const& [key, change] : changes_) {
    if (change.value) {
      transaction.puts.push_back({.key = key, .value = *change.value, .lease = change.lease});
    } else {
      transaction.deletes.push_back({.key = key, .end = {}, .limit = 0, .descending = false});
    }
  }
  transaction.deletes.insert(transaction.deletes.end(), ranges_.begin(), ranges_.end());
}

void View::Remember() const {
  known_->head = head_;
  for (auto const& [key, change] : changes_)
    known_->values.insert_or_assign(key, change.value);
}

}  // namespace trellis::ledger::etcd
