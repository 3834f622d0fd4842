// SQLite with RAII and Result: connections, statements, and the one writer that group-commits.
#pragma once

#include <trellis/result.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace trellis::store {

/// Notices that SQLite found a file damaged, whichever connection ran into it. Safe for use by
/// several threads; outlives the connections that were opened with it.
class Damage {
 public:
  /// `handler` is called at the first report, on the thread that ran into it, and must be quick; at
  /// once if there was one already.
  void OnReport(std::function<void(std::string const& what)> handler);
  void Report(std::string const& what);
  /// A check of the file is under way, or not any more.
  void SetChecking(bool checking);
  /// Nothing was reported and no check is under way: what is not in the file does not exist.
  [[nodiscard]] bool IsFileSound() const;

 private:
  mutable std::mutex mutex_;  // guards the rest
  bool checking_ = false;
  std::string what_;
  std::function<void(std::string const& what)> handler_;
};

/// One prepared statement. Not thread-safe; lives no longer than its Database.
class Statement {
 public:
  Statement() = default;
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  Statement(Statement const&) = delete;
  Statement& operator=(Statement const&) = delete;

  /// Binds parameter `index` (from 1). Texts and blobs are borrowed until Reset. Integers above
  /// 2^63-1 are kInvalid at Step.
  Statement& Bind(int index, std::int64_t value);
  Statement& Bind(int index, std::uint64_t value);
  Statement& Bind(int index, std::string_view text);
  Statement& BindBlob(int index, std::span<std::uint8_t const> bytes);
  Statement& BindNull(int index);

  /// Binds all arguments in order from 1: integers, bools, strings, bytes (as blobs), std::optional
  /// of these (empty = NULL).
  template <class... Args>
  Statement& BindAll(Args const&... args) {
    int index = 0;
    (BindValue(++index, args), ...);
    return *this;
  }

  /// Next row: true with a row, false at the end. kIo, kExhausted (disk full), kConflict
  /// (constraint).
  Result<bool> Step();
  /// Runs to the end and resets.
  Result<void> Run();
  /// Makes the statement ready for the next Bind/Step; bindings are cleared.
  void Reset();

  [[nodiscard]] std::int64_t Int(int column) const;
  [[nodiscard]] std::uint64_t Uint(int column) const;
  [[nodiscard]] std::string Text(int column) const;  ///< also blobs; NULL is ""
  /// The same without a copy: good until the next Step or Reset.
  [[nodiscard]] std::string_view View(int column) const;
  [[nodiscard]] bool IsNull(int column) const;

 private:
  friend class Database;
  Statement(sqlite3_stmt* stmt, Damage* damage) : stmt_(stmt), damage_(damage) {}
  template <class T>
  void BindValue(int index, T const& value) {
    if constexpr (requires {
                    value.has_value();
                    *value;
                  }) {
      if (value.has_value()) {
        BindValue(index, *value);
      } else {
        BindNull(index);
      }
    } else if constexpr (std::is_convertible_v<T const&, std::string_view>) {
      Bind(index, std::string_view(value));
    } else if constexpr (std::is_convertible_v<T const&, std::span<std::uint8_t const>>) {
      BindBlob(index, value);
    } else if constexpr (std::is_enum_v<T>) {
      Bind(index, static_cast<std::int64_t>(value));
    } else if constexpr (std::is_unsigned_v<T>) {
      Bind(index, std::uint64_t{value});
    } else {
      Bind(index, std::int64_t{value});
    }
  }

  sqlite3_stmt* stmt_ = nullptr;
  Damage* damage_ = nullptr;
  bool bad_bind_ = false;
};

/// One connection. Use from one thread at a time.
class Database {
 public:
  enum class Mode { kReadWrite, kReadOnly };

  /// Opens or creates the file: WAL, synchronous=FULL, foreign_keys=ON, busy_timeout=5000. kIo when
  /// it cannot. `damage` (borrowed, may be null) hears of a damaged file.
  static Result<std::unique_ptr<Database>> Open(std::filesystem::path const& file, Mode mode,
                                                Damage* damage = nullptr);
  ~Database();
  Database(Database const&) = delete;
  Database& operator=(Database const&) = delete;

  /// kRead: one snapshot until Commit. kWrite: the write lock too.
  enum class Transaction : std::uint8_t { kRead, kWrite };
  Result<void> Begin(Transaction kind);
  Result<void> Commit();
  /// Inside a transaction; savepoints do not nest.
  enum class SavepointStep : std::uint8_t { kOpen, kRollBack, kRelease };
  Result<void> Savepoint(SavepointStep step);

  /// Runs one or more statements without parameters or rows.
  Result<void> Exec(std::string_view sql);
  Result<Statement> Prepare(std::string_view sql);
  /// A statement from this connection's cache, reset; `sql` must be a literal or outlive the
  /// connection. The same statement must not be in use twice at once (no recursion on one sql
  /// text).
  Result<Statement*> Cached(std::string_view sql);
  /// Resets every statement that still has rows to give: until then it would hold its old snapshot
  /// open.
  void EndReads();
  [[nodiscard]] std::int64_t LastInsertId() const;
  [[nodiscard]] std::int64_t Changes() const;
  /// Rows changed since the connection was opened, also by triggers and cascades.
  [[nodiscard]] std::int64_t TotalChanges() const;
  /// Pages this connection wrote since the last call.
  std::uint64_t TakePagesWritten();
  /// `PRAGMA user_version`.
  Result<std::int64_t> UserVersion();
  /// Looks at the whole structure of the file; kIo with the first thing that is wrong.
  Result<void> CheckStructure();
  /// What the file says makes no sense.
  void ReportDamage(std::string const& what);
  /// Ends what runs on the connection with an error. From any thread.
  void Interrupt();
  /// From now on the log grows until Checkpoint.
  void KeepLog();
  /// Pages in the log after the last commit of this connection, once KeepLog was called.
  [[nodiscard]] int log_pages() const { return log_pages_; }
  /// Copies what the log holds into the file as far as nobody's snapshot is in the way. When that
  /// is all of it, also makes it durable; the next write starts the log anew.
  Result<void> Checkpoint();
  /// Makes durable what checkpoints wrote.
  Result<void> SyncFile();
  /// Bytes of the file as they are on disk, past this connection's cache; 0 at the end. (A file
  /// handle of one's own must never be closed: all locks of the process would go with it.)
  Result<std::size_t> ReadFile(std::span<char> out, std::int64_t at);
  /// Writes a complete copy, durable when it returns; one that is there is replaced.
  Result<void> CopyTo(std::filesystem::path const& file);
  [[nodiscard]] std::filesystem::path file() const;

 private:
  Database(sqlite3* db, Damage* damage);
  struct Cache;
  sqlite3* db_;
  Damage* damage_;
  int log_pages_ = 0;
  std::unique_ptr<Cache> cache_;
};

}  // namespace trellis::store
