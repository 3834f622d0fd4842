#include "plugins/flist/rfs/fl_file.hpp"

#include "plugins/flist/rfs/rows.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <limits>

namespace trellis::plugins::flist {

namespace {

constexpr int kStepsPerLook = 100'000;
constexpr int kMaxLooks = 500;  // fifty million instructions: a second or two
constexpr int kMaxNamesakes = 64;
constexpr int kMaxValueBytes = 1 << 20;
constexpr std::size_t kMaxUrl = 2048;
constexpr std::size_t kMaxTags = 256;

// What the image says must not become a path of the URI that opens it.
std::string UriOf(std::string const& path) {
  std::string out = "file:";
  for (char const c : path) {
    bool const plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '/' || c == '.' || c == '-' || c == '_';
    if (plain)
      out += c;
    else
      out += fmt::format("%{:02x}", static_cast<unsigned char>(c));
  }
  return out + "?mode=ro&immutable=1";
}

}  // namespace

struct FlFile::Statements {
  Statement find, by_name, by_parent, children, target, block_count, blocks, routes, tags;
};

FlFile::FlFile(Database database) : database_(std::move(database)) {}
FlFile::~FlFile() = default;

Result<std::unique_ptr<FlFile>> FlFile::Open(std::string const& path) {
  sqlite3* raw = nullptr;
  int const flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
  int const opened = ::sqlite3_open_v2(UriOf(path).c_str(), &raw, flags, nullptr);
  Database database(raw);
  if (opened != SQLITE_OK) return Fail(Code::kIo, "open '{}': {}", path, ::sqlite3_errstr(opened));
  (void)::sqlite3_limit(raw, SQLITE_LIMIT_LENGTH, kMaxValueBytes);
  (void)::sqlite3_limit(raw, SQLITE_LIMIT_ATTACHED, 0);
  (void)::sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  (void)::sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  (void)::sqlite3_db_config(raw, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  (void)::sqlite3_db_config(raw, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  std::unique_ptr<FlFile> file(new FlFile(std::move(database)));
  ::sqlite3_progress_handler(
      raw, kStepsPerLook,
      [](void* self) { return ++static_cast<FlFile*>(self)->steps_ > kMaxLooks ? 1 : 0; },
      file.get());
  TRELLIS_CHECK(Execute(raw, "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0"));
  TRELLIS_CHECK(file->Prepare());
  TRELLIS_TRY(auto const root, file->Find(kRootInode));
  if (!S_ISDIR(root.mode)) return BadRow("the kind", kRootInode);
  return file;
}

Result<void> FlFile::Prepare() {
  auto* const db = database_.get();
  auto const prepare = [&](std::string const& text) { return Statement::Prepare(db, text); };
  // Only plain tables: a view or a virtual table would run code of the image's maker.
  TRELLIS_TRY(auto tables,
              prepare("SELECT count(DISTINCT name) FROM sqlite_schema WHERE type='table' AND "
                      "name IN ('inode','block','route') AND sql NOT LIKE '%VIRTUAL%' "
                      "AND sql NOT LIKE '%GENERATED%'"));
  auto const there = tables.Step();
  if (!there || !*there || tables.Integer(0) != 3)
    return Fail(Code::kInvalid, "unknown flist format");
  auto const inode = fmt::format("SELECT {} FROM inode WHERE ", kInodeColumns);
  TRELLIS_TRY(auto find, prepare(inode + "ino=?1"));
  // The `+` keeps an index out: first few files of that name anywhere, else all of the directory.
  TRELLIS_TRY(auto by_name, prepare(inode + "name IN (?1, CAST(?1 AS BLOB)) LIMIT ?2"));
  TRELLIS_TRY(auto by_parent, prepare(inode + "parent=?1 AND +name IN (?2, CAST(?2 AS BLOB)) "
                                              "AND ino<>1 ORDER BY ino LIMIT 1"));
  TRELLIS_TRY(auto children,
              prepare(inode + "parent=?1 AND ino>?2 AND ino<>1 ORDER BY ino LIMIT ?3"));
  TRELLIS_TRY(auto block_count, prepare("SELECT count(*) FROM block WHERE ino=?1"));
  TRELLIS_TRY(auto blocks,
              prepare("SELECT id, [key] FROM block WHERE ino=?1 ORDER BY rowid LIMIT ?2"));
  TRELLIS_TRY(auto routes,
              prepare("SELECT [start], [end], url FROM route ORDER BY rowid LIMIT ?1"));
  auto const optional = [&](std::string const& table, std::string const& text) {
    auto const there_too = prepare(fmt::format("SELECT 1 FROM {} LIMIT 0", table));
    return prepare(there_too ? text : "SELECT NULL WHERE 0");
  };
  TRELLIS_TRY(auto target, optional("extra", "SELECT data FROM extra WHERE ino=?1"));
  TRELLIS_TRY(auto tags, optional("tag", "SELECT [key], value FROM tag ORDER BY key LIMIT 256"));
  statements_ = std::make_unique<Statements>(
      Statements{std::move(find), std::move(by_name), std::move(by_parent), std::move(children),
                 std::move(target), std::move(block_count), std::move(blocks), std::move(routes),
                 std::move(tags)});
  return {};
}

namespace {

/// Resets a statement when the query is over, and starts the count of its steps.
class Query {
 public:
  Query(Statement& statement, int& steps) : statement_(statement) { steps = 0; }
  ~Query() { statement_.Reset(); }
  Query(Query const&) = delete;
  Query& operator=(Query const&) = delete;

 private:
  Statement& statement_;
};

std::int64_t Number(std::uint64_t value) {
  return static_cast<std::int64_t>(
      std::min<std::uint64_t>(value, std::numeric_limits<std::int64_t>::max()));
}

}  // namespace

Result<Inode> FlFile::Find(std::uint64_t ino) {
  std::lock_guard const lock(mutex_);
  auto& row = statements_->find;
  Query const query(row, steps_);
  row.Bind(1, Number(ino));
  TRELLIS_TRY(bool const found, row.Step());
  if (!found) return Fail(Code::kNotFound, "image has no inode {}", ino);
  return ReadInode(row);
}

Result<Inode> FlFile::Lookup(std::uint64_t parent, std::string_view name) {
  if (!IsFileName(name)) return Fail(Code::kNotFound, "no file can have this name");
  std::lock_guard const lock(mutex_);
  {
    auto& row = statements_->by_name;
    Query const query(row, steps_);
    row.BindText(1, name).Bind(2, kMaxNamesakes + 1);
    int seen = 0;
    for (; seen <= kMaxNamesakes; ++seen) {
      TRELLIS_TRY(bool const more, row.Step());
      if (!more) break;
      if (row.Integer(1) == Number(parent) && row.Integer(0) != Number(kRootInode))
        return ReadInode(row);
    }
    if (seen <= kMaxNamesakes) return Fail(Code::kNotFound, "image has no '{}' there", name);
  }
  auto& row = statements_->by_parent;
  Query const query(row, steps_);
  row.Bind(1, Number(parent)).BindText(2, name);
  TRELLIS_TRY(bool const found, row.Step());
  if (!found) return Fail(Code::kNotFound, "image has no '{}' there", name);
  return ReadInode(row);
}

Result<std::vector<Inode>> FlFile::Children(std::uint64_t parent, std::uint64_t after,
                                            std::size_t limit) {
  std::lock_guard const lock(mutex_);
  std::vector<Inode> out;
  auto& row = statements_->children;
  while (out.size() < limit) {
    Query const query(row, steps_);
    row.Bind(1, Number(parent)).Bind(2, Number(after)).Bind(3, Number(limit - out.size()));
    std::size_t rows = 0;
    for (auto const wanted = limit - out.size(); rows < wanted; ++rows) {
      TRELLIS_TRY(bool const more, row.Step());
      if (!more) return out;
      TRELLIS_TRY(auto child, ReadInode(row));
      after = child.ino;
      if (IsFileName(child.name)) out.push_back(std::move(child));
    }
  }
  return out;
}

Result<std::string> FlFile::Target(std::uint64_t ino) {
  std::lock_guard const lock(mutex_);
  auto& row = statements_->target;
  Query const query(row, steps_);
  row.Bind(1, Number(ino));
  TRELLIS_TRY(bool const found, row.Step());
  auto const text = found ? row.Text(0) : std::nullopt;
  bool const good = text && !text->empty() && text->size() <= kMaxTarget &&
                    text->find('\0') == std::string_view::npos;
  if (!good) return BadRow("the target", Number(ino));
  return std::string(*text);
}

Result<std::vector<BlockRef>> FlFile::Blocks(Inode const& file) {
  if (file.size > kMaxFileBytes)
    return Fail(Code::kExhausted, "files of images have at most {} bytes", kMaxFileBytes);
  std::size_t const needed = (file.size + kBlockBytes - 1) / kBlockBytes;
  std::lock_guard const lock(mutex_);
  {
    auto& row = statements_->block_count;
    Query const query(row, steps_);
    row.Bind(1, Number(file.ino));
    TRELLIS_TRY(bool const counted, row.Step());
    if (!counted || row.Integer(0) != Number(needed))
      return BadRow("the number of blocks", Number(file.ino));
  }
  std::vector<BlockRef> out;
  out.reserve(needed);
  auto& row = statements_->blocks;
  Query const query(row, steps_);
  row.Bind(1, Number(file.ino)).Bind(2, Number(needed));
  while (out.size() < needed) {
    TRELLIS_TRY(bool const more, row.Step());
    BlockRef ref;
    if (!more || !TakeDigest(row.Blob(0), ref.id) || !TakeDigest(row.Blob(1), ref.key))
      return BadRow("a block", Number(file.ino));
    out.push_back(ref);
  }
  return out;
}

Result<std::vector<Route>> FlFile::Routes() {
  std::lock_guard const lock(mutex_);
  auto& row = statements_->routes;
  Query const query(row, steps_);
  row.Bind(1, Number(kMaxRoutes));
  std::vector<Route> out;
  while (true) {
    TRELLIS_TRY(bool const more, row.Step());
    if (!more) return out;
    Route route;
    auto const url = row.Text(2);
    if (!TakeNumber(row.Integer(0), 255, route.first) ||
        !TakeNumber(row.Integer(1), 255, route.last) || !url || url->size() > kMaxUrl)
      return Fail(Code::kDecode, "image is damaged: route {}", out.size() + 1);
    route.url = *url;
    out.push_back(std::move(route));
  }
}

Result<std::map<std::string, std::string>> FlFile::Tags() {
  std::lock_guard const lock(mutex_);
  auto& row = statements_->tags;
  Query const query(row, steps_);
  std::map<std::string, std::string> out;
  while (out.size() < kMaxTags) {
    TRELLIS_TRY(bool const more, row.Step());
    if (!more) break;
    auto const key = row.Text(0);
    auto const value = row.Text(1);
    if (key && value) out.emplace(*key, *value);
  }
  return out;
}

}  // namespace trellis::plugins::flist
