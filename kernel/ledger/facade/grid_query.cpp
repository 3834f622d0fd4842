#include "kernel/ledger/facade/grid_query.hpp"

#include "kernel/base/strings.hpp"
#include "kernel/ledger/facade/grid_rows.hpp"
#include "kernel/store/query.hpp"

#include <algorithm>
#include <array>

namespace trellis::ledger::facade {
namespace {

using boost::json::array;
using boost::json::object;
using Rows = std::vector<object>;

constexpr std::size_t kMaxTables = 16;

/// A number, also one that travels as text.
std::optional<std::int64_t> NumberOf(json::Value const& value) {
  if (value.is_int64()) return value.get_int64();
  if (value.is_uint64() && std::in_range<std::int64_t>(value.get_uint64()))
    return static_cast<std::int64_t>(value.get_uint64());
  if (!value.is_string()) return std::nullopt;
  auto const number = strings::ParseNumber<std::int64_t>(std::string_view(value.get_string()));
  return number ? std::optional(*number) : std::nullopt;
}

bool Same(json::Value const& a, json::Value const& b) {
  if (auto const x = NumberOf(a), y = NumberOf(b); x && y) return *x == *y;
  return a == b;
}

bool IsIn(json::Value const& value, json::Value const& list) {
  auto const* const items = list.if_array();
  return items != nullptr &&
         std::ranges::any_of(*items, [&](auto const& item) { return Same(value, item); });
}

bool Contains(json::Value const& value, json::Value const& part) {
  return value.is_string() && part.is_string() &&
         std::string_view(value.get_string()).find(std::string_view(part.get_string())) !=
             std::string_view::npos;
}

bool InOrder(json::Value const& a, json::Value const& b, bool equal_too) {
  auto const x = NumberOf(a);
  auto const y = NumberOf(b);
  return x && y && (*x < *y || (equal_too && *x == *y));
}

using Test = bool (*)(json::Value const& value, json::Value const& argument);
struct Operator {
  std::string_view suffix;
  Test holds;
};
constexpr std::array kOperators{
    Operator{"_not_eq", [](auto const& v, auto const& a) { return !Same(v, a); }},
    Operator{"_not_in", [](auto const& v, auto const& a) { return !IsIn(v, a); }},
    Operator{"_eq", [](auto const& v, auto const& a) { return Same(v, a); }},
    Operator{"_in", [](auto const& v, auto const& a) { return IsIn(v, a); }},
    Operator{"_contains", [](auto const& v, auto const& a) { return Contains(v, a); }},
    Operator{"_isNull", [](auto const& v, auto const& a) { return v.is_null() == (a == true); }},
    Operator{"_gt", [](auto const& v, auto const& a) { return InOrder(a, v, false); }},
    Operator{"_gte", [](auto const& v, auto const& a) { return InOrder(a, v, true); }},
    Operator{"_lt", [](auto const& v, auto const& a) { return InOrder(v, a, false); }},
    Operator{"_lte", [](auto const& v, auto const& a) { return InOrder(v, a, true); }},
};

Result<bool> Matches(object const& row, json::Value const& where);

Result<bool> MatchesAny(object const& row, json::Value const& conditions, bool all) {
  auto const* const list = conditions.if_array();
  if (list == nullptr) return Matches(row, conditions);
  for (auto const& condition : *list) {
    TRELLIS_TRY(bool const holds, Matches(row, condition));
    if (holds != all) return holds;
  }
  return all;
}

Result<bool> Matches(object const& row, json::Value const& where) {
  auto const* const conditions = where.if_object();
  if (conditions == nullptr) return true;
  for (auto const& [key, argument] : *conditions) {
    std::string_view const name = key;
    if (name == "AND" || name == "OR") {
      TRELLIS_TRY(bool const holds, MatchesAny(row, argument, name == "AND"));
      if (!holds) return false;
      continue;
    }
    auto const found = std::ranges::find_if(
        kOperators, [&](Operator const& op) { return name.ends_with(op.suffix); });
    auto const* const value =
        found == kOperators.end()
            ? nullptr
            : row.if_contains(name.substr(0, name.size() - found->suffix.size()));
    if (value == nullptr) return Fail(Code::kInvalid, "condition '{}' is not known", name);
    if (!argument.is_null() && !found->holds(*value, argument)) return false;
  }
  return true;
}

/// A condition of the outermost level that one row fits at most, or few do.
std::optional<std::uint64_t> Wanted(GqlField const& field, std::string_view condition) {
  auto const* const where = field.arguments.if_contains("where");
  auto const* const object = where == nullptr ? nullptr : where->if_object();
  auto const* const value = object == nullptr ? nullptr : object->if_contains(condition);
  auto const number = value == nullptr ? std::nullopt : NumberOf(*value);
  if (!number || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

template <class T>
Result<void> AddFound(Rows& rows, Result<T> const& found, object (*convert)(T const&)) {
  if (!found && found.error().code == Code::kNotFound) return {};
  TRELLIS_CHECK(found);
  rows.push_back(convert(*found));
  return {};
}

Result<Rows> NodeRows(EmbeddedLedger& ledger, GqlField const& field) {
  std::vector<std::uint32_t> ids;
  if (auto const id = Wanted(field, "nodeID_eq")) {
    ids = {static_cast<std::uint32_t>(*id)};
  } else {
    TRELLIS_TRY(ids, ListAllNodes(ledger));
  }
  Rows rows;
  for (auto const id : ids)
    TRELLIS_CHECK(AddFound(rows, ledger.GetNode(id), GqlNode));
  return rows;
}

Result<Rows> FarmRows(EmbeddedLedger& ledger, GqlField const& field) {
  std::vector<std::uint32_t> ids;
  if (auto const id = Wanted(field, "farmID_eq")) {
    ids = {static_cast<std::uint32_t>(*id)};
  } else {
    TRELLIS_TRY(ids, ledger.ListFarms(0, kMaxRows));
  }
  Rows rows;
  for (auto const id : ids)
    TRELLIS_CHECK(AddFound(rows, ledger.GetFarm(id), GqlFarm));
  return rows;
}

Result<Rows> TwinRows(EmbeddedLedger& ledger, GqlField const& field) {
  std::vector<std::uint32_t> ids;
  if (auto const id = Wanted(field, "twinID_eq")) {
    ids = {static_cast<std::uint32_t>(*id)};
  } else {
    TRELLIS_TRY(ids, ledger.ListTwins(0, kMaxRows));
  }
  Rows rows;
  for (auto const id : ids)
    TRELLIS_CHECK(AddFound(rows, ledger.GetTwin(id), GqlTwin));
  return rows;
}

Result<std::vector<std::uint64_t>> ContractIds(EmbeddedLedger& ledger, GqlField const& field) {
  if (auto const id = Wanted(field, "contractID_eq")) return std::vector{*id};
  if (auto const twin = Wanted(field, "twinID_eq"))
    return ledger.ListTwinContracts(static_cast<std::uint32_t>(*twin), 0, kMaxRows);
  return ledger.Snapshot([](store::Database& db) {
    return store::All(
        db, "SELECT id FROM contract WHERE state <> 1 ORDER BY id LIMIT ?1",
        [](store::Statement const& row) { return row.Uint(0); }, kMaxRows);
  });
}

template <ContractKind kKind>
Result<Rows> ContractRows(EmbeddedLedger& ledger, GqlField const& field) {
  TRELLIS_TRY(auto const ids, ContractIds(ledger, field));
  Rows rows;
  for (auto const id : ids) {
    auto const contract = ledger.GetContract(id);
    if (contract && contract->kind != kKind) continue;
    TRELLIS_CHECK(AddFound(rows, contract, GqlContract));
  }
  return rows;
}

/// Nothing is billed here.
Result<Rows> NoRows(EmbeddedLedger&, GqlField const&) {
  return Rows();
}

struct Table {
  std::string_view name;
  Result<Rows> (*read)(EmbeddedLedger&, GqlField const&);
};
constexpr std::array kTables{
    Table{"nodes", NodeRows},
    Table{"farms", FarmRows},
    Table{"twins", TwinRows},
    Table{"nodeContracts", ContractRows<ContractKind::kNode>},
    Table{"nameContracts", ContractRows<ContractKind::kName>},
    Table{"rentContracts", ContractRows<ContractKind::kRent>},
    Table{"contractBillReports", NoRows},
};

Result<json::Value> Select(object const& row, std::vector<GqlField> const& fields) {
  object selected;
  for (auto const& field : fields) {
    auto const* const value = row.if_contains(field.name);
    if (value == nullptr) return Fail(Code::kInvalid, "there is no field '{}'", field.name);
    if (field.fields.empty() || value->is_null()) {
      selected[field.alias] = *value;
      continue;
    }
    if (auto const* const inner = value->if_object(); inner != nullptr) {
      TRELLIS_TRY(selected[field.alias], Select(*inner, field.fields));
      continue;
    }
    array list;
    for (auto const& item : value->as_array()) {
      TRELLIS_TRY(auto chosen, Select(item.as_object(), field.fields));
      list.push_back(std::move(chosen));
    }
    selected[field.alias] = std::move(list);
  }
  return json::Value(std::move(selected));
}

/// `orderBy: field_ASC`, `offset`, `limit`.
void Arrange(Rows& rows, GqlField const& field) {
  auto const argument = [&](std::string_view name) {
    auto const* const value = field.arguments.if_contains(name);
    return value == nullptr ? json::Value(nullptr) : *value;
  };
  auto order = argument("orderBy");
  if (order.is_array()) order = order.get_array().empty() ? nullptr : order.get_array().front();
  if (order.is_string()) {
    std::string_view const text = order.get_string();
    auto const cut = text.rfind('_');
    auto const key = text.substr(0, cut);
    auto const before = [&](object const& a, object const& b) {
      auto const* const x = a.if_contains(key);
      auto const* const y = b.if_contains(key);
      return x != nullptr && y != nullptr && InOrder(*x, *y, false);
    };
    std::ranges::stable_sort(rows, before);
    if (text.ends_with("_DESC")) std::ranges::reverse(rows);
  }
  auto const skip = NumberOf(argument("offset")).value_or(0);
  rows.erase(rows.begin(), rows.begin() + std::clamp<std::int64_t>(skip, 0, std::ssize(rows)));
  if (auto const limit = NumberOf(argument("limit")))
    rows.resize(static_cast<std::size_t>(std::clamp<std::int64_t>(*limit, 0, std::ssize(rows))));
}

Result<Rows> Find(EmbeddedLedger& ledger, Table const& table, GqlField const& field) {
  TRELLIS_TRY(auto rows, table.read(ledger, field));
  auto const* const where = field.arguments.if_contains("where");
  if (where == nullptr) return rows;
  Rows kept;
  for (auto& row : rows) {
    TRELLIS_TRY(bool const matches, Matches(row, *where));
    if (matches) kept.push_back(std::move(row));
  }
  return kept;
}

Result<json::Value> AnswerField(EmbeddedLedger& ledger, GqlField const& field) {
  constexpr std::string_view kConnection = "Connection";
  if (field.name == "__typename") return json::Value("Query");
  std::string_view name = field.name;
  bool const counts = name.ends_with(kConnection);
  if (counts) name.remove_suffix(kConnection.size());
  auto const table = std::ranges::find(kTables, name, &Table::name);
  if (table == kTables.end()) return Fail(Code::kInvalid, "there is no field '{}'", field.name);
  TRELLIS_TRY(auto rows, Find(ledger, *table, field));
  if (counts) return Select(object{{"totalCount", rows.size()}}, field.fields);
  Arrange(rows, field);
  array list;
  for (auto const& row : rows) {
    TRELLIS_TRY(auto selected, Select(row, field.fields));
    list.push_back(std::move(selected));
  }
  return json::Value(std::move(list));
}

}  // namespace

Result<object> AnswerQuery(EmbeddedLedger& ledger, std::vector<GqlField> const& fields) {
  if (fields.size() > kMaxTables)
    return Fail(Code::kInvalid, "more than {} lists in one query", kMaxTables);
  object data;
  for (auto const& field : fields) {
    TRELLIS_TRY(data[field.alias], AnswerField(ledger, field));
  }
  return data;
}

}  // namespace trellis::ledger::facade
