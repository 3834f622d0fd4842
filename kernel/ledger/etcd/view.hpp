// The keys of the ledger as a group of writes sees them: what etcd has, and the group's own changes
// on top, which can be undone write by write.
#pragma once

#include "kernel/ledger/etcd/gateway.hpp"
#include "kernel/ledger/etcd/head.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace trellis::ledger::etcd {

/// Values as they are while the head is the one of `head_revision`; absent keys too.
struct Known {
  HeadRecord head{};
  std::int64_t head_revision = 0;
  std::map<std::string, std::optional<std::string>, std::less<>> values{};
};

/// Not safe for use by several threads. Errors: those of the gateway.
class View {
 public:
  /// `known` (null: nothing is) is read first, and learns what is fetched. Both are borrowed.
  View(Gateway& gateway, Known* known) : gateway_(gateway), known_(known) {
    if (known != nullptr) head_ = known->head;
  }

  /// Empty: no such key.
  Result<std::optional<std::string>> Get(std::string const& key);
  /// Keys and values that begin with `prefix`, ascending; at most `limit` (0: all).
  Result<Found> List(std::string const& prefix, std::size_t limit = 0);

  void Put(std::string const& key, std::string value, std::int64_t lease = 0);
  void Delete(std::string const& key);
  /// Of keys that this group neither reads nor writes.
  void DeleteRange(Range const& range);

  [[nodiscard]] HeadRecord& head() { return head_; }
  [[nodiscard]] HeadRecord const& head() const { return head_; }

  struct Mark {
    std::size_t journal = 0;
    std::size_t ranges = 0;
    HeadRecord head{};
  };
  [[nodiscard]] Mark Here() const { return {journal_.size(), ranges_.size(), head_}; }
  [[nodiscard]] bool ChangedSince(Mark const& mark) const {
    return journal_.size() > mark.journal || ranges_.size() > mark.ranges;
  }
  /// Takes back all changes since `mark`.
  void Undo(Mark const& mark);

  /// A fetch that failed; the reads that needed it said so too.
  [[nodiscard]] std::optional<Error> const& failure() const { return failure_; }
  [[nodiscard]] bool changed() const { return !changes_.empty() || !ranges_.empty(); }
  /// How many operations the changes are, and about how many bytes.
  [[nodiscard]] std::size_t operations() const { return changes_.size() + ranges_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// Keys that were asked for one by one.
  [[nodiscard]] std::vector<std::string> const& asked() const { return asked_; }
  /// Adds the changes.
  void Fill(Transaction& transaction) const;
  /// The changes are in etcd now: `known` learns them.
  void Remember() const;

 private:
  struct Change {
    std::optional<std::string> value{};  // empty: deleted
    std::int64_t lease = 0;
  };
  struct Step {
    std::string key{};
    std::optional<Change> before{};
  };

  Result<Found> Fetch(Range const& range);
  void Set(std::string const& key, Change change);

  Gateway& gateway_;
  Known* known_;
  HeadRecord head_;
  std::map<std::string, Change, std::less<>> changes_;
  std::vector<Range> ranges_;
  std::vector<Step> journal_;
  std::size_t bytes_ = 0;
  std::vector<std::string> asked_;
  std::optional<Error> failure_;
};

}  // namespace trellis::ledger::etcd
