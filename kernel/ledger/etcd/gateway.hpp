// etcd's key-value calls, as its HTTP/JSON gateway takes them (version 3 of the API).
#pragma once

#include "kernel/ledger/etcd/members.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::ledger::etcd {

struct KeyValue {
  std::string key{};
  std::string value{};
  std::int64_t mod_revision = 0;  ///< of the last change
};

struct Range {
  std::string key{};
  std::string end{};      ///< "" = `key` alone; else all keys from `key` on that are before it
  std::size_t limit = 0;  ///< 0 = all
  bool descending = false;
};

/// The end of the range of all keys that begin with `prefix`, which is not empty.
[[nodiscard]] std::string PrefixEnd(std::string_view prefix);

using Found = std::vector<KeyValue>;  ///< ascending unless asked otherwise

struct Snapshot {
  std::int64_t revision = 0;
  std::vector<Found> found{};  ///< one for each range
};

struct Put {
  std::string key{};
  std::string value{};
  std::int64_t lease = 0;  ///< the key goes with it; 0 = stays
};

/// Changes that happen together, if `guard` was last changed at `guard_revision` (0 = is not
/// there).
struct Transaction {
  std::string guard{};
  std::int64_t guard_revision = 0;
  std::vector<Put> puts{};
  std::vector<Range> deletes{};
  std::vector<Range> otherwise{};  ///< what to read when the guard was changed

  [[nodiscard]] std::size_t operations() const { return puts.size() + deletes.size(); }
};

struct Committed {
  bool applied = false;
  Snapshot otherwise{};  ///< revision: of the commit when applied
};

/// Safe for use by several threads. Errors as those of Members.
class Gateway {
 public:
  explicit Gateway(std::unique_ptr<Members> members) : members_(std::move(members)) {}

  /// All ranges at one moment, as the majority has it.
  Result<Snapshot> Read(std::vector<Range> const& ranges,
                        Members::Try how = Members::Try::kPatient);
  /// Asks one member, once. After kUnavailable the changes may be there, or come yet.
  Result<Committed> Commit(Transaction const& transaction);
  /// The number of a new lease.
  Result<std::int64_t> GrantLease(std::int64_t seconds);
  /// Changes of one key from `revision` on, for ReadWatch.
  Result<std::unique_ptr<Connection>> Watch(std::string const& key, std::int64_t revision);
  /// Members::Avoid.
  void Avoid() { members_->Avoid(); }

 private:
  std::unique_ptr<Members> members_;
};

struct Watched {
  std::int64_t revision = 0;
  std::vector<KeyValue> changed{};  ///< none: the member only tells how far it is
  bool compacted = false;           ///< changes after the revision asked for are forgotten
};

/// The next line of a watch. kTimeout: none yet. kUnavailable: the watch has ended.
Result<Watched> ReadWatch(Connection& watch, std::chrono::milliseconds limit);

}  // namespace trellis::ledger::etcd
