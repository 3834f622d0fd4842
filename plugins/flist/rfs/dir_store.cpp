// Blocks as files: `<path>/<first two digits>/<id>`, or `<path>/<id>`.
#include "plugins/common/posix/files.hpp"
#include "plugins/flist/rfs/store.hpp"
#include "plugins/flist/root_lookup.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace trellis::plugins::flist {

namespace {

constexpr unsigned kMode = 0644;

class DirStore final : public BlockStore {
 public:
  explicit DirStore(std::string path) : path_(std::move(path)) {}

  Result<std::string> Get(Digest const& id) override {
    auto const name = HexOf(id);
    for (auto const& file : {name.substr(0, 2) + "/" + name, name}) {
      auto const fd = OpenInRoot(path_, file, O_RDONLY | O_NONBLOCK);
      if (!fd && fd.error().code == Code::kNotFound) continue;
      if (!fd) return tl::unexpected<Error>(Error(fd.error()).With("block"));
      struct stat info {};
      if (::fstat(fd->get(), &info) != 0 || !S_ISREG(info.st_mode))
        return Fail(Code::kDecode, "block '{}' is no file", name);
      return ReadAll(fd->get(), kMaxSealedBytes);
    }
    return Fail(Code::kNotFound, "'dir://{}' has no block '{}'", path_, name);
  }

  Result<void> Put(Digest const& id, std::string_view sealed) override {
    auto const name = HexOf(id);
    auto const folder = path_ + "/" + name.substr(0, 2);
    auto const file = folder + "/" + name;
    // A power cut may have left a file without its content.
    if (auto const kept = ReadFile(file, kMaxSealedBytes); kept && *kept == sealed) return {};
    TRELLIS_CHECK(MakeDirs(folder));
    auto temp = folder + "/.new-XXXXXX";
    UniqueFd const fd(::mkostemp(temp.data(), O_CLOEXEC));
    if (!fd) return FailErrno("create '{}'", temp);
    auto done = WriteAll(fd.get(), sealed, temp);
    if (done && (::fchmod(fd.get(), kMode) != 0 || ::rename(temp.c_str(), file.c_str()) != 0))
      done = FailErrno("keep block '{}'", name);
    if (!done) ::unlink(temp.c_str());
    return done;
  }

  // Once for all blocks: a disk takes longer to promise each than to keep thousands.
  Result<void> Sync() override {
    auto const dir = OpenFile(path_, O_RDONLY | O_DIRECTORY);
    if (!dir && dir.error().code == Code::kNotFound) return {};  // no block is in its range
    if (!dir) return tl::unexpected<Error>(dir.error());
    if (::syncfs(dir->get()) != 0) return FailErrno("sync '{}'", path_);
    return {};
  }

 private:
  std::string path_;
};

}  // namespace

std::unique_ptr<BlockStore> MakeDirStore(std::string path) {
  return std::make_unique<DirStore>(std::move(path));
}

}  // namespace trellis::plugins::flist
