#include "plugins/flist/rfs/fl_writer.hpp"

#include "plugins/common/posix/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>

namespace trellis::plugins::flist {

namespace {

// Durable at Commit: until then nobody sees the file.
constexpr char const* kSchema = R"(
PRAGMA journal_mode=DELETE;
PRAGMA synchronous=OFF;
CREATE TABLE inode (ino INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER, name VARCHAR(255),
  size INTEGER, uid INTEGER, gid INTEGER, mode INTEGER, rdev INTEGER, ctime INTEGER, mtime INTEGER);
CREATE INDEX parents ON inode (parent);
CREATE INDEX names ON inode (name);
CREATE TABLE extra (ino INTEGER PRIMARY KEY, data VARCHAR(4096));
CREATE TABLE block (ino INTEGER, id VARCHAR(32), key VARCHAR(32));
CREATE INDEX block_ino ON block (ino);
CREATE TABLE tag (key VARCHAR(10) PRIMARY KEY, value VARCHAR(255));
CREATE TABLE route (start INTEGER, [end] INTEGER, url VARCHAR(2048));
BEGIN;
)";

std::string_view View(Digest const& digest) {
  return {reinterpret_cast<char const*>(digest.data()), digest.size()};
}
std::int64_t Number(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

}  // namespace

struct FlWriter::Statements {
  Statement inode, target, block, route, tag;
};

FlWriter::FlWriter(std::string path, std::string temp)
    : path_(std::move(path)), temp_(std::move(temp)) {}

FlWriter::~FlWriter() {
  statements_.reset();
  database_.reset();
  if (!temp_.empty()) ::unlink(temp_.c_str());
}

Result<std::unique_ptr<FlWriter>> FlWriter::Create(std::string const& path) {
  std::string temp = path + ".XXXXXX";
  UniqueFd const fd(::mkostemp(temp.data(), O_CLOEXEC));
  if (!fd) return FailErrno("create '{}'", temp);
  std::unique_ptr<FlWriter> writer(new FlWriter(path, temp));
  TRELLIS_CHECK(writer->Begin());
  return writer;
}

Result<void> FlWriter::Begin() {
  sqlite3* raw = nullptr;
  int const opened = ::sqlite3_open_v2(temp_.c_str(), &raw, SQLITE_OPEN_READWRITE, nullptr);
  database_.reset(raw);
  if (opened != SQLITE_OK)
    return Fail(Code::kIo, "create '{}': {}", path_, ::sqlite3_errstr(opened));
  TRELLIS_CHECK(Execute(raw, kSchema));
  TRELLIS_TRY(auto inode,
              Statement::Prepare(raw,
                                 "INSERT INTO inode (parent, name, size, uid, gid, mode, rdev, "
                                 "ctime, mtime) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)"));
  TRELLIS_TRY(auto target, Statement::Prepare(raw, "INSERT INTO extra (ino, data) VALUES (?1,?2)"));
  TRELLIS_TRY(auto block,
              Statement::Prepare(raw, "INSERT INTO block (ino, id, key) VALUES (?1,?2,?3)"));
  TRELLIS_TRY(auto route,
              Statement::Prepare(raw, "INSERT INTO route (start, [end], url) VALUES (?1,?2,?3)"));
  TRELLIS_TRY(auto tag, Statement::Prepare(raw, "INSERT INTO tag (key, value) VALUES (?1,?2)"));
  statements_ = std::make_unique<Statements>(Statements{
      std::move(inode), std::move(target), std::move(block), std::move(route), std::move(tag)});
  return {};
}

Result<std::uint64_t> FlWriter::AddInode(Inode const& inode) {
  if (inode.name != "/" && !IsFileName(inode.name))
    return Fail(Code::kInvalid, "'{}' is no name of a file", inode.name);
  auto& row = statements_->inode;
  row.Bind(1, Number(inode.parent)).BindText(2, inode.name).Bind(3, Number(inode.size));
  row.Bind(4, inode.uid).Bind(5, inode.gid).Bind(6, inode.mode).Bind(7, inode.rdev);
  row.Bind(8, inode.ctime).Bind(9, inode.mtime);
  TRELLIS_CHECK(row.Run());
  return static_cast<std::uint64_t>(::sqlite3_last_insert_rowid(database_.get()));
}

Result<void> FlWriter::AddTarget(std::uint64_t ino, std::string_view target) {
  return statements_->target.Bind(1, Number(ino)).BindBlob(2, target).Run();
}

Result<void> FlWriter::AddBlock(std::uint64_t ino, BlockRef const& block) {
  return statements_->block.Bind(1, Number(ino))
      .BindBlob(2, View(block.id))
      .BindBlob(3, View(block.key))
      .Run();
}

Result<void> FlWriter::AddRoute(Route const& route) {
  return statements_->route.Bind(1, route.first).Bind(2, route.last).BindText(3, route.url).Run();
}

Result<void> FlWriter::AddTag(std::string_view key, std::string_view value) {
  return statements_->tag.BindText(1, key).BindText(2, value).Run();
}

Result<void> FlWriter::Commit() {
  TRELLIS_CHECK(Execute(database_.get(), "COMMIT"));
  statements_.reset();
  database_.reset();
  TRELLIS_TRY(auto const fd, OpenFile(temp_, O_RDONLY));
  constexpr mode_t kMode = 0644;
  if (::fchmod(fd.get(), kMode) != 0 || ::fsync(fd.get()) != 0 ||
      ::rename(temp_.c_str(), path_.c_str()) != 0)
    return FailErrno("write '{}'", path_);
  temp_.clear();
  return {};
}

}  // namespace trellis::plugins::flist
