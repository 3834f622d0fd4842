#include "plugins/flist/rfs/image_files.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <functional>

namespace trellis::plugins::flist {

namespace {

constexpr std::size_t kSweepAbove = 4096;  // entries of files that nobody has open any more

Result<std::vector<Piece>> Collect(
    OpenImageFile const& file, std::uint64_t offset, std::size_t size,
    std::function<Result<UniqueFd>(BlockRef const&, std::size_t)> const& open) {
  std::vector<Piece> pieces;
  if (offset >= file.size) return pieces;
  auto left = std::min<std::uint64_t>(size, file.size - offset);
  while (left > 0) {
    std::size_t const index = offset / kBlockBytes;
    std::size_t const begin = offset % kBlockBytes;
    std::size_t const whole = std::min<std::uint64_t>(kBlockBytes, file.size - index * kBlockBytes);
    std::size_t const taken = std::min<std::uint64_t>(left, whole - begin);
    TRELLIS_TRY(auto fd, open(file.blocks[index], whole));
    pieces.push_back({std::move(fd), begin, taken});
    offset += taken;
    left -= taken;
  }
  return pieces;
}

}  // namespace

ImageFiles::ImageFiles(std::unique_ptr<FlFile> rows, std::unique_ptr<BlockSource> source,
                       std::string cache)
    : rows_(std::move(rows)),
      source_(std::move(source)),
      cache_(std::move(cache), [this](BlockRef const& ref) { return source_->Fetch(ref); }) {}

Result<std::unique_ptr<ImageFiles>> ImageFiles::Open(std::string const& image,
                                                     std::string const& cache,
                                                     StoreRules const& rules) {
  TRELLIS_TRY(auto rows, FlFile::Open(image));
  TRELLIS_TRY(auto const routes, rows->Routes());
  auto source = std::make_unique<BlockSource>(routes, rules);
  return std::unique_ptr<ImageFiles>(new ImageFiles(std::move(rows), std::move(source), cache));
}

Result<std::shared_ptr<OpenImageFile const>> ImageFiles::OpenFile(std::uint64_t ino) {
  {
    std::lock_guard const lock(mutex_);
    auto const found = open_.find(ino);
    if (found != open_.end()) {
      if (auto file = found->second.lock()) return file;
    }
  }
  TRELLIS_TRY(auto const inode, rows_->Find(ino));
  if (!S_ISREG(inode.mode)) return Fail(Code::kInvalid, "inode {} is no file", ino);
  auto file = std::make_shared<OpenImageFile>();
  file->size = inode.size;
  TRELLIS_TRY(file->blocks, rows_->Blocks(inode));
  std::lock_guard const lock(mutex_);
  if (open_.size() > kSweepAbove)
    std::erase_if(open_, [](auto const& entry) { return entry.second.expired(); });
  open_[ino] = file;
  return std::shared_ptr<OpenImageFile const>(std::move(file));
}

Result<std::vector<Piece>> ImageFiles::Read(OpenImageFile const& file, std::uint64_t offset,
                                            std::size_t size) {
  return Collect(file, offset, size,
                 [&](BlockRef const& ref, std::size_t whole) { return cache_.Open(ref, whole); });
}

Result<std::vector<Piece>> ImageFiles::ReadKept(OpenImageFile const& file, std::uint64_t offset,
                                                std::size_t size) const {
  return Collect(file, offset, size, [&](BlockRef const& ref, std::size_t whole) {
    return cache_.OpenKept(ref, whole);
  });
}

}  // namespace trellis::plugins::flist
