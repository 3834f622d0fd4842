#include "plugins/flist/rfs/sqlite.hpp"

namespace trellis::plugins::flist {

namespace {

tl::unexpected<Error> Broken(sqlite3* database) {
  return Fail(Code::kDecode, "{}", ::sqlite3_errmsg(database));
}

}  // namespace

Result<Statement> Statement::Prepare(sqlite3* database, std::string_view text) {
  sqlite3_stmt* statement = nullptr;
  if (::sqlite3_prepare_v3(database, text.data(), static_cast<int>(text.size()),
                           SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK)
    return Broken(database);
  return Statement(statement);
}

void Statement::Reset() {
  (void)::sqlite3_reset(statement_.get());
  (void)::sqlite3_clear_bindings(statement_.get());
}

Statement& Statement::Bind(int index, std::int64_t value) {
  (void)::sqlite3_bind_int64(statement_.get(), index, value);
  return *this;
}

Statement& Statement::BindText(int index, std::string_view text) {
  (void)::sqlite3_bind_text64(statement_.get(), index, text.data(), text.size(), SQLITE_TRANSIENT,
                              SQLITE_UTF8);
  return *this;
}

Statement& Statement::BindBlob(int index, std::string_view bytes) {
  (void)::sqlite3_bind_blob64(statement_.get(), index, bytes.data(), bytes.size(),
                              SQLITE_TRANSIENT);
  return *this;
}

Result<bool> Statement::Step() {
  int const done = ::sqlite3_step(statement_.get());
  if (done == SQLITE_ROW) return true;
  if (done == SQLITE_DONE) return false;
  return Broken(::sqlite3_db_handle(statement_.get()));
}

Result<void> Statement::Run() {
  auto const done = Step();
  Reset();
  if (!done) return tl::unexpected<Error>(done.error());
  return {};
}

std::optional<std::int64_t> Statement::Integer(int column) const {
  if (::sqlite3_column_type(statement_.get(), column) != SQLITE_INTEGER) return std::nullopt;
  return ::sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::Bytes(int column) const {
  auto const* const data =
      static_cast<char const*>(::sqlite3_column_blob(statement_.get(), column));
  auto const size = ::sqlite3_column_bytes(statement_.get(), column);
  return data == nullptr ? std::string_view()
                         : std::string_view(data, static_cast<std::size_t>(size));
}

std::optional<std::string_view> Statement::Text(int column) const {
  int const type = ::sqlite3_column_type(statement_.get(), column);
  if (type != SQLITE_TEXT && type != SQLITE_BLOB) return std::nullopt;
  return Bytes(column);
}

std::optional<std::string_view> Statement::Blob(int column) const {
  if (::sqlite3_column_type(statement_.get(), column) != SQLITE_BLOB) return std::nullopt;
  return Bytes(column);
}

Result<void> Execute(sqlite3* database, char const* text) {
  if (::sqlite3_exec(database, text, nullptr, nullptr, nullptr) != SQLITE_OK)
    return Broken(database);
  return {};
}

}  // namespace trellis::plugins::flist
