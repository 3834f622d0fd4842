#include "kernel/ledger/etcd/gateway_json.hpp"

#include "kernel/base/strings.hpp"
#include "kernel/crypto/bytes.hpp"

#include <utility>

namespace trellis::ledger::etcd {
namespace {

std::string Encode(std::string_view bytes) {
  return crypto::Base64(crypto::AsBytes(bytes));
}

std::string RangeJson(Range const& range) {
  auto text = fmt::format(R"({{"key":"{}")", Encode(range.key));
  if (!range.end.empty()) text += fmt::format(R"(,"range_end":"{}")", Encode(range.end));
  if (range.limit != 0) text += fmt::format(R"(,"limit":"{}")", range.limit);
  if (range.descending) text += R"(,"sort_order":"DESCEND","sort_target":"KEY")";
  return text + '}';
}

std::string PutJson(Put const& put) {
  auto text = fmt::format(R"({{"key":"{}","value":"{}")", Encode(put.key), Encode(put.value));
  if (put.lease != 0) text += fmt::format(R"(,"lease":"{}")", put.lease);
  return text + '}';
}

/// Appends `{"<operation>":<body>}` to a list.
void Append(std::string& list, std::string_view operation, std::string_view body) {
  if (!list.empty()) list += ',';
  list += fmt::format(R"({{"{}":{}}})", operation, body);
}

std::string RangesJson(std::vector<Range> const& ranges) {
  std::string list;
  for (auto const& range : ranges)
    Append(list, "request_range", RangeJson(range));
  return list;
}

boost::json::value const* Member(boost::json::value const& value, std::string_view name) {
  auto const* object = value.if_object();
  return object != nullptr ? object->if_contains(name) : nullptr;
}

boost::json::array const& ListOf(boost::json::value const& value, std::string_view name) {
  static boost::json::array const kNone;
  auto const* member = Member(value, name);
  auto const* list = member != nullptr ? member->if_array() : nullptr;
  return list != nullptr ? *list : kNone;
}

bool BoolOf(boost::json::value const& value, std::string_view name) {
  auto const* member = Member(value, name);
  return member != nullptr && member->is_bool() && member->get_bool();
}

std::int64_t NumberOf(boost::json::value const& value, std::string_view name) {
  auto const* member = Member(value, name);
  if (member == nullptr || !member->is_string()) return 0;
  return strings::ParseNumber<std::int64_t>(std::string_view(member->get_string())).value_or(0);
}

std::int64_t RevisionOf(boost::json::value const& value) {
  auto const* header = Member(value, "header");
  return header != nullptr ? NumberOf(*header, "revision") : 0;
}

Result<std::string> TextOf(boost::json::value const& value, std::string_view name) {
  auto const* member = Member(value, name);
  if (member == nullptr || !member->is_string()) return std::string();
  auto const bytes = crypto::FromBase64(std::string_view(member->get_string()));
  if (!bytes) return Fail(Code::kUnavailable, "etcd sends a {} that is not base64", name);
  return std::string(crypto::AsText(*bytes));
}

Result<KeyValue> KeyValueOf(boost::json::value const& value) {
  KeyValue read;
  TRELLIS_TRY(read.key, TextOf(value, "key"));
  TRELLIS_TRY(read.value, TextOf(value, "value"));
  read.mod_revision = NumberOf(value, "mod_revision");
  return read;
}

Result<boost::json::value> Parse(std::string_view text) {
  boost::system::error_code failed;
  auto value = boost::json::parse(text, failed);
  if (failed || !value.is_object())
    return Fail(Code::kUnavailable, "etcd sends no JSON: '{}'", text.substr(0, 100));
  return value;
}

}  // namespace

std::string ToJson(std::vector<Range> const& ranges) {
  return fmt::format(R"({{"success":[{}]}})", RangesJson(ranges));
}

std::string ToJson(Transaction const& transaction) {
  std::string changes;
  for (auto const& put : transaction.puts)
    Append(changes, "request_put", PutJson(put));
  for (auto const& range : transaction.deletes)
    Append(changes, "request_delete_range", RangeJson(range));
  return fmt::format(
      R"({{"compare":[{{"key":"{}","target":"MOD","result":"EQUAL","mod_revision":"{}"}}],)"
      R"("success":[{}],"failure":[{}]}})",
      Encode(transaction.guard), transaction.guard_revision, changes,
      RangesJson(transaction.otherwise));
}

std::string WatchRequest(std::string const& key, std::int64_t revision) {
  return fmt::format(
      R"({{"create_request":{{"key":"{}","start_revision":"{}","progress_notify":true}}}})",
      Encode(key), revision);
}

Result<Committed> ParseCommitted(std::string_view text) {
  TRELLIS_TRY(auto const value, Parse(text));
  Committed committed;
  committed.applied = BoolOf(value, "succeeded");
  committed.otherwise.revision = RevisionOf(value);
  if (committed.otherwise.revision == 0)
    return Fail(Code::kUnavailable, "etcd sends an answer without revision");
  for (auto const& response : ListOf(value, "responses")) {
    auto const* range = Member(response, "response_range");
    if (range == nullptr) continue;
    Found found;
    for (auto const& pair : ListOf(*range, "kvs")) {
      TRELLIS_TRY(auto read, KeyValueOf(pair));
      found.push_back(std::move(read));
    }
    committed.otherwise.found.push_back(std::move(found));
  }
  return committed;
}

Result<std::int64_t> ParseLease(std::string_view text) {
  TRELLIS_TRY(auto const value, Parse(text));
  auto const id = NumberOf(value, "ID");
  if (id == 0) return Fail(Code::kUnavailable, "etcd gives no lease");
  return id;
}

Result<Watched> ParseWatched(std::string_view text) {
  TRELLIS_TRY(auto const value, Parse(text));
  auto const* result = Member(value, "result");
  if (result == nullptr)
    return Fail(Code::kUnavailable, "etcd ends the watch: {}", text.substr(0, 200));
  Watched watched;
  watched.revision = RevisionOf(*result);
  watched.compacted = NumberOf(*result, "compact_revision") != 0;
  if (BoolOf(*result, "canceled") && !watched.compacted)
    return Fail(Code::kUnavailable, "etcd cancels the watch");
  for (auto const& event : ListOf(*result, "events")) {
    auto const* pair = Member(event, "kv");
    if (pair == nullptr) continue;
    TRELLIS_TRY(auto read, KeyValueOf(*pair));
    watched.changed.push_back(std::move(read));
  }
  return watched;
}

}  // namespace trellis::ledger::etcd
