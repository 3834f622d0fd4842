#include "kernel/store/database.hpp"

#include "kernel/store/fault_vfs.hpp"
#include "kernel/store/gather_vfs.hpp"
#include "kernel/sys/files.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <system_error>
#include <unordered_map>
#include <utility>

namespace trellis::store {
namespace {

constexpr int kBusyTimeoutMs = 5000;

Code ClassOf(int status) {
  switch (status & 0xff) {  // the low byte is the primary code
    case SQLITE_CONSTRAINT:
      return Code::kConflict;
    case SQLITE_FULL:
      return Code::kExhausted;
    default:
      return Code::kIo;
  }
}

tl::unexpected<Error> Failure(std::string_view what, int status, sqlite3* db, Damage* damage) {
  char const* const text = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(status);
  int const primary = status & 0xff;
  if (damage != nullptr && (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB))
    damage->Report(text);
  return Fail(ClassOf(status), "{}: {}", what, text);
}

/// The connection's own.
Result<sqlite3_file*> File(sqlite3* db) {
  sqlite3_file* file = nullptr;
  int const status = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (status != SQLITE_OK || file == nullptr || file->pMethods == nullptr)
    return Fail(Code::kIo, "the database has no file");
  return file;
}

}  // namespace

void Damage::OnReport(std::function<void(std::string const& what)> handler) {
  std::lock_guard const lock(mutex_);
  handler_ = std::move(handler);
  if (handler_ && !what_.empty()) handler_(what_);
}

void Damage::SetChecking(bool checking) {
  std::lock_guard const lock(mutex_);
  checking_ = checking;
}

bool Damage::IsFileSound() const {
  std::lock_guard const lock(mutex_);
  return !checking_ && what_.empty();
}

void Damage::Report(std::string const& what) {
  std::lock_guard const lock(mutex_);
  if (!what_.empty()) return;
  what_ = what;
  if (handler_) handler_(what_);
}

Statement::~Statement() {
  sqlite3_finalize(stmt_);
}

Statement::Statement(Statement&& other) noexcept
    : stmt_(std::exchange(other.stmt_, nullptr)),
      damage_(other.damage_),
      bad_bind_(std::exchange(other.bad_bind_, false)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(stmt_, other.stmt_);
  std::swap(damage_, other.damage_);
  std::swap(bad_bind_, other.bad_bind_);
  return *this;
}

Statement& Statement::Bind(int index, std::int64_t value) {
  bad_bind_ |= sqlite3_bind_int64(stmt_, index, value) != SQLITE_OK;
  return *this;
}

Statement& Statement::Bind(int index, std::uint64_t value) {
  if (!std::in_range<std::int64_t>(value)) {
    bad_bind_ = true;
    return *this;
  }
  return Bind(index, static_cast<std::int64_t>(value));
}

Statement& Statement::Bind(int index, std::string_view text) {
  // A null pointer would bind NULL; an empty view is an empty text.
  char const* const data = text.empty() ? "" : text.data();
  bad_bind_ |=
      sqlite3_bind_text64(stmt_, index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK;
  return *this;
}

Statement& Statement::BindBlob(int index, std::span<std::uint8_t const> bytes) {
  void const* const data = bytes.empty() ? static_cast<void const*>("") : bytes.data();
  bad_bind_ |= sqlite3_bind_blob64(stmt_, index, data, bytes.size(), SQLITE_STATIC) != SQLITE_OK;
  return *this;
}

Statement& Statement::BindNull(int index) {
  bad_bind_ |= sqlite3_bind_null(stmt_, index) != SQLITE_OK;
  return *this;
}

Result<bool> Statement::Step() {
  if (bad_bind_) return Fail(Code::kInvalid, "bind: value out of range or unknown parameter");
  int const status = sqlite3_step(stmt_);
  if (status == SQLITE_ROW) return true;
  if (status == SQLITE_DONE) return false;
  auto failure = Failure("sqlite", status, sqlite3_db_handle(stmt_), damage_);
  sqlite3_reset(stmt_);
  return failure;
}

Result<void> Statement::Run() {
  for (;;) {
    TRELLIS_TRY(bool const row, Step());
    if (!row) break;
  }
  Reset();
  return {};
}

void Statement::Reset() {
  sqlite3_reset(stmt_);
  sqlite3_clear_bindings(stmt_);
  bad_bind_ = false;
}

std::int64_t Statement::Int(int column) const {
  return sqlite3_column_int64(stmt_, column);
}

std::uint64_t Statement::Uint(int column) const {
  std::int64_t const value = Int(column);
  return value < 0 ? 0 : static_cast<std::uint64_t>(value);
}

std::string Statement::Text(int column) const {
  return std::string(View(column));
}

std::string_view Statement::View(int column) const {
  auto const* const data = static_cast<char const*>(sqlite3_column_blob(stmt_, column));
  int const size = sqlite3_column_bytes(stmt_, column);
  return data == nullptr ? std::string_view()
                         : std::string_view(data, static_cast<std::size_t>(size));
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(stmt_, column) == SQLITE_NULL;
}

struct Database::Cache {
  std::unordered_map<std::string_view, Statement> statements;
};

Database::Database(sqlite3* db, Damage* damage)
    : db_(db), damage_(damage), cache_(std::make_unique<Cache>()) {}

Database::~Database() {
  cache_.reset();
  sqlite3_close_v2(db_);
}

Result<std::unique_ptr<Database>> Database::Open(std::filesystem::path const& file, Mode mode,
                                                 Damage* damage) {
  std::error_code ignored;
  bool const existed = std::filesystem::exists(file, ignored);
  int const flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (mode == Mode::kReadWrite ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                              : SQLITE_OPEN_READONLY);
  sqlite3* raw = nullptr;
  int const status = sqlite3_open_v2(file.c_str(), &raw, flags, GatherVfs(VfsName()));
  std::unique_ptr<Database> database(new Database(raw, damage));  // NOLINT: private constructor
  auto const context = [&](Error error) {
    return std::move(error).With("open database '{}'", file.string());
  };
  if (status != SQLITE_OK) {
    return Fail(Code::kIo, "open database '{}': {}", file.string(), sqlite3_errstr(status));
  }
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);
  if (mode == Mode::kReadWrite) {
    TRELLIS_CHECK(
        database
            ->Exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; "
                   "PRAGMA wal_autocheckpoint=4000")
            .map_error(context));
    // The -wal and -shm files take the mode of the database file.
    if (!existed) {
      std::filesystem::permissions(
          file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, ignored);
    }
  }
  TRELLIS_CHECK(database->Exec("PRAGMA foreign_keys=ON").map_error(context));
  TRELLIS_CHECK(database->UserVersion().map_error(context));  // reads the file: is it a database?
  return database;
}

Result<void> Database::Begin(Transaction kind) {
  TRELLIS_TRY(auto* s, kind == Transaction::kRead ? Cached("BEGIN") : Cached("BEGIN IMMEDIATE"));
  return s->Run();
}

Result<void> Database::Commit() {
  TRELLIS_TRY(auto* s, Cached("COMMIT"));
  return s->Run();
}

Result<void> Database::Savepoint(SavepointStep step) {
  std::string_view sql = "SAVEPOINT work";
  if (step == SavepointStep::kRollBack) sql = "ROLLBACK TO work";
  if (step == SavepointStep::kRelease) sql = "RELEASE work";
  TRELLIS_TRY(auto* s, Cached(sql));
  return s->Run();
}

Result<void> Database::Exec(std::string_view sql) {
  int const status = sqlite3_exec(db_, std::string(sql).c_str(), nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) return Failure("sqlite", status, db_, damage_);
  return {};
}

Result<Statement> Database::Prepare(std::string_view sql) {
  if (!std::in_range<int>(sql.size())) return Fail(Code::kInvalid, "sql text is too long");
  sqlite3_stmt* raw = nullptr;
  int const status = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (status != SQLITE_OK) return Failure("prepare", status, db_, damage_);
  return Statement(raw, damage_);
}

Result<Statement*> Database::Cached(std::string_view sql) {
  auto const found = cache_->statements.find(sql);
  if (found != cache_->statements.end()) {
    found->second.Reset();
    return &found->second;
  }
  TRELLIS_TRY(auto statement, Prepare(sql));
  return &cache_->statements.emplace(sql, std::move(statement)).first->second;
}

void Database::ReportDamage(std::string const& what) {
  if (damage_ != nullptr) damage_->Report(what);
}

void Database::EndReads() {
  for (auto* stmt = sqlite3_next_stmt(db_, nullptr); stmt != nullptr;
       stmt = sqlite3_next_stmt(db_, stmt)) {
    if (sqlite3_stmt_busy(stmt) != 0) sqlite3_reset(stmt);
  }
}

std::int64_t Database::LastInsertId() const {
  return sqlite3_last_insert_rowid(db_);
}

std::int64_t Database::Changes() const {
  return sqlite3_changes64(db_);
}

std::int64_t Database::TotalChanges() const {
  return sqlite3_total_changes64(db_);
}

std::uint64_t Database::TakePagesWritten() {
  int now = 0;
  int highest = 0;  // unused by this counter
  sqlite3_db_status(db_, SQLITE_DBSTATUS_CACHE_WRITE, &now, &highest, /*resetFlg=*/1);
  return static_cast<std::uint64_t>(now);
}

Result<std::int64_t> Database::UserVersion() {
  TRELLIS_TRY(auto statement, Prepare("PRAGMA user_version"));
  TRELLIS_TRY(bool const row, statement.Step());
  return row ? statement.Int(0) : 0;
}

Result<void> Database::CheckStructure() {
  TRELLIS_TRY(auto statement, Prepare("PRAGMA quick_check(1)"));
  TRELLIS_TRY(bool const row, statement.Step());
  auto found = row ? statement.Text(0) : "no answer";
  std::replace(found.begin(), found.end(), '\n', ' ');
  if (found == "ok") return {};
  if (damage_ != nullptr) damage_->Report(found);
  return Fail(Code::kIo, "{}", found);
}

Result<void> Database::CopyTo(std::filesystem::path const& file) {
  auto const unfinished = file.string() + ".new";
  std::error_code ignored;
  std::filesystem::remove(unfinished, ignored);
  {
    // Made here, because SQLite would let others read it.
    TRELLIS_TRY(auto const fd, sys::OpenFile(unfinished, O_WRONLY | O_CREAT, sys::kPrivateFile));
    TRELLIS_TRY(auto statement, Prepare("VACUUM INTO ?"));
    TRELLIS_CHECK(statement.BindAll(unfinished).Run());
    if (::fsync(fd.get()) != 0) return Fail(Code::kIo, "sync '{}'", unfinished);
  }
  std::error_code failed;
  std::filesystem::rename(unfinished, file, failed);
  if (failed) return Fail(Code::kIo, "rename '{}': {}", unfinished, failed.message());
  return sys::SyncDirectory(file.parent_path());
}

void Database::KeepLog() {
  sqlite3_wal_hook(
      db_,
      [](void* self, sqlite3*, char const*, int pages) {
        static_cast<Database*>(self)->log_pages_ = pages;
        return SQLITE_OK;
      },
      this);
}

Result<void> Database::Checkpoint() {
  int const status =
      sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (status == SQLITE_OK || status == SQLITE_BUSY) return {};  // another one is at it
  return Failure("checkpoint", status, db_, damage_);
}

Result<void> Database::SyncFile() {
  TRELLIS_TRY(auto* const file, File(db_));
  int const status = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
  if (status != SQLITE_OK) return Failure("sync", status, db_, damage_);
  return {};
}

Result<std::size_t> Database::ReadFile(std::span<char> out, std::int64_t at) {
  TRELLIS_TRY(auto* const file, File(db_));
  sqlite3_int64 size = 0;
  int status = file->pMethods->xFileSize(file, &size);
  auto const left = std::max<std::int64_t>(size - at, 0);
  auto const wanted = std::min(out.size(), static_cast<std::size_t>(left));
  if (status == SQLITE_OK && wanted > 0)
    status = file->pMethods->xRead(file, out.data(), static_cast<int>(wanted), at);
  if (status != SQLITE_OK) return Failure("read", status, db_, damage_);
  return wanted;
}

void Database::Interrupt() {
  sqlite3_interrupt(db_);
}

std::filesystem::path Database::file() const {
  char const* const name = sqlite3_db_filename(db_, "main");
  return name == nullptr ? "" : name;
}

}  // namespace trellis::store
