// One-line queries: bind, step and reset in one call.
#pragma once

#include "kernel/store/database.hpp"

#include <trellis/result.hpp>

#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace trellis::store {

/// Runs a statement that gives no rows (or whose rows do not matter). `sql` must be a literal.
template <class... Args>
Result<void> Run(Database& db, std::string_view sql, Args const&... args) {
  TRELLIS_TRY(auto* const statement, db.Cached(sql));
  return statement->BindAll(args...).Run();
}

/// The first row as `row(Statement const&)` makes it, or nothing.
template <class Row, class... Args>
auto One(Database& db, std::string_view sql, Row row, Args const&... args)
    -> Result<std::optional<std::invoke_result_t<Row, Statement const&>>> {
  TRELLIS_TRY(auto* const statement, db.Cached(sql));
  statement->BindAll(args...);
  TRELLIS_TRY(bool const found, statement->Step());
  std::optional<std::invoke_result_t<Row, Statement const&>> value;
  if (found) value.emplace(row(std::as_const(*statement)));
  statement->Reset();
  return value;
}

/// All rows. `row` must not use `sql` again.
template <class Row, class... Args>
auto All(Database& db, std::string_view sql, Row row, Args const&... args)
    -> Result<std::vector<std::invoke_result_t<Row, Statement const&>>> {
  TRELLIS_TRY(auto* const statement, db.Cached(sql));
  statement->BindAll(args...);
  std::vector<std::invoke_result_t<Row, Statement const&>> values;
  for (;;) {
    TRELLIS_TRY(bool const found, statement->Step());
    if (!found) break;
    values.push_back(row(std::as_const(*statement)));
  }
  statement->Reset();
  return values;
}

/// Is there a row?
template <class... Args>
Result<bool> Exists(Database& db, std::string_view sql, Args const&... args) {
  TRELLIS_TRY(auto const row, One(
                                  db, sql, [](Statement const&) { return true; }, args...));
  return row.has_value();
}

}  // namespace trellis::store
