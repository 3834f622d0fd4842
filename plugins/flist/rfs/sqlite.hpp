// As much of SQLite as image files need.
#pragma once

#include <trellis/result.hpp>

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace trellis::plugins::flist {

struct CloseDatabase {
  void operator()(sqlite3* database) const { ::sqlite3_close_v2(database); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

/// A prepared statement. What was bound and read is valid until the next Reset.
class Statement {
 public:
  static Result<Statement> Prepare(sqlite3* database, std::string_view text);

  void Reset();
  Statement& Bind(int index, std::int64_t value);
  Statement& BindText(int index, std::string_view text);   ///< copied
  Statement& BindBlob(int index, std::string_view bytes);  ///< copied
  /// True: there is a row. kDecode when the database is damaged or the query takes too long.
  Result<bool> Step();
  /// One step of a statement that answers nothing.
  Result<void> Run();

  // Columns of the row; empty unless the value has that very type.
  [[nodiscard]] std::optional<std::int64_t> Integer(int column) const;
  [[nodiscard]] std::optional<std::string_view> Text(int column) const;  ///< TEXT or BLOB
  [[nodiscard]] std::optional<std::string_view> Blob(int column) const;

 private:
  struct Finish {
    void operator()(sqlite3_stmt* statement) const { ::sqlite3_finalize(statement); }
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  [[nodiscard]] std::string_view Bytes(int column) const;

  std::unique_ptr<sqlite3_stmt, Finish> statement_;
};

/// Runs statements that answer nothing.
Result<void> Execute(sqlite3* database, char const* text);

}  // namespace trellis::plugins::flist
