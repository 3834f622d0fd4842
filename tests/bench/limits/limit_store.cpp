// SQLite on the daemon's own write: append one 2 KB result and update one index row.
#include "tests/bench/limits/common.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <CLI/CLI.hpp>

#include <cstdint>
#include <filesystem>

namespace {

using namespace trellis::limits;  // NOLINT(google-build-using-namespace): a program of its own

void RemoveFiles(std::filesystem::path const& path) {
  for (auto const* suffix : {"", "-wal", "-shm"})
    std::filesystem::remove(path.string() + suffix);
}

class Store {
 public:
  Store(std::filesystem::path path, std::string const& synchronous) : path_(std::move(path)) {
    RemoveFiles(path_);
    if (sqlite3_open(path_.c_str(), &db_) != SQLITE_OK) Die("sqlite open");
    Exec("PRAGMA journal_mode=WAL");
    Exec("PRAGMA synchronous=" + synchronous);
    Exec(
        "CREATE TABLE log(dl INTEGER, seq INTEGER, body BLOB, PRIMARY KEY(dl, seq)) WITHOUT ROWID");
    Exec(
        "CREATE TABLE cur(dl INTEGER, name TEXT, seq INTEGER, PRIMARY KEY(dl, name)) WITHOUT "
        "ROWID");
    sqlite3_prepare_v2(db_, "INSERT INTO log VALUES(?,?,?)", -1, &log_, nullptr);
    sqlite3_prepare_v2(db_, "INSERT OR REPLACE INTO cur VALUES(?,?,?)", -1, &current_, nullptr);
  }
  ~Store() {
    sqlite3_finalize(log_);
    sqlite3_finalize(current_);
    sqlite3_close(db_);
    RemoveFiles(path_);
  }
  Store(Store const&) = delete;
  Store& operator=(Store const&) = delete;

  void Commit(int batch) {
    Exec(batch > 1 ? "BEGIN IMMEDIATE" : "BEGIN");
    for (int i = 0; i < batch; ++i)
      Add(next_++);
    Exec("COMMIT");
  }

 private:
  void Exec(std::string const& sql) {
    if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) Die(sql);
  }
  void Add(std::int64_t number) {
    sqlite3_bind_int64(log_, 1, number);
    sqlite3_bind_int64(log_, 2, 1);
    sqlite3_bind_blob64(log_, 3, record_.data(), record_.size(), SQLITE_STATIC);
    sqlite3_bind_int64(current_, 1, number);
    sqlite3_bind_text(current_, 2, "vm1", 3, SQLITE_STATIC);
    sqlite3_bind_int64(current_, 3, 1);
    for (auto* statement : {log_, current_}) {
      if (sqlite3_step(statement) != SQLITE_DONE) Die("insert");
      sqlite3_reset(statement);
    }
  }

  std::filesystem::path path_;
  sqlite3* db_ = nullptr;
  sqlite3_stmt* log_ = nullptr;
  sqlite3_stmt* current_ = nullptr;
  std::string record_ = ResultRecord();
  std::int64_t next_ = 0;
};

void Run(std::filesystem::path const& dir, std::string const& synchronous, int batch,
         double seconds) {
  Store store(dir / "limit.sqlite", synchronous);
  Row row;
  row.name = fmt::format("sqlite/wal/{}/batch:{}", synchronous, batch);
  auto const start = Clock::now();
  while (SecondsBetween(start, Clock::now()) < seconds) {
    double const before = NowUs();
    store.Commit(batch);
    row.latencies_us.push_back(NowUs() - before);
  }
  row.per_s =
      static_cast<double>(row.latencies_us.size()) * batch / SecondsBetween(start, Clock::now());
  Print(std::move(row));
}

}  // namespace

int main(int argc, char** argv) {
  std::filesystem::path dir = ".";
  double seconds = 3;
  bool json = false;
  CLI::App app("The floors of the store");
  app.add_option("dir", dir, "folder on the disk that the daemon uses");
  app.add_option("--seconds", seconds, "of each case");
  app.add_flag("--json", json);
  CLI11_PARSE(app, argc, argv);
  if (json) SetJson();
  for (int const batch : {1, 16, 64})
    Run(dir, "FULL", batch, seconds);
  for (int const batch : {1, 16})  // not durable when the machine stops
    Run(dir, "NORMAL", batch, seconds);
  return 0;
}
