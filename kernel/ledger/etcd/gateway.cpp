#include "kernel/ledger/etcd/gateway.hpp"

#include "kernel/ledger/etcd/gateway_json.hpp"

#include <utility>

namespace trellis::ledger::etcd {

std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  end.back() = static_cast<char>(end.back() + 1);
  return end;
}

Result<Snapshot> Gateway::Read(std::vector<Range> const& ranges, Members::Try how) {
  TRELLIS_TRY(auto const text, members_->Call("/v3/kv/txn", ToJson(ranges), how));
  TRELLIS_TRY(auto read, ParseCommitted(text));
  if (read.otherwise.found.size() != ranges.size())
    return Fail(Code::kUnavailable, "etcd answers {} of {} questions", read.otherwise.found.size(),
                ranges.size());
  return std::move(read.otherwise);
}

Result<Committed> Gateway::Commit(Transaction const& transaction) {
  TRELLIS_TRY(auto const text,
              members_->Call("/v3/kv/txn", ToJson(transaction), Members::Try::kOne));
  TRELLIS_TRY(auto committed, ParseCommitted(text));
  if (!committed.applied && committed.otherwise.found.size() != transaction.otherwise.size())
    return Fail(Code::kUnavailable, "etcd answers half a question");
  return committed;
}

Result<std::int64_t> Gateway::GrantLease(std::int64_t seconds) {
  auto const body = fmt::format(R"({{"TTL":"{}"}})", seconds);
  TRELLIS_TRY(auto const text, members_->Call("/v3/lease/grant", body, Members::Try::kAll));
  return ParseLease(text);
}

Result<std::unique_ptr<Connection>> Gateway::Watch(std::string const& key, std::int64_t revision) {
  return members_->Stream("/v3/watch", WatchRequest(key, revision));
}

Result<Watched> ReadWatch(Connection& watch, std::chrono::milliseconds limit) {
  TRELLIS_TRY(auto const line, watch.ReadLine(limit));
  return ParseWatched(line);
}

}  // namespace trellis::ledger::etcd
