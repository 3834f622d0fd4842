#include "plugins/zmachine/guest/cpio.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <zlib.h>

#include <cstddef>
#include <iterator>
#include <utility>

namespace trellis::plugins::zmachine {

void CpioWriter::AddFolder(std::string_view path) {
  AddEntry(path, S_IFDIR | 0755U, {});
}

void CpioWriter::AddFile(std::string_view path, std::uint32_t permissions,
                         std::span<std::uint8_t const> content) {
  AddEntry(path, S_IFREG | permissions, content);
}

std::vector<std::uint8_t> CpioWriter::Finish() && {
  AddEntry("TRAILER!!!", 0, {});
  return std::move(bytes_);
}

void CpioWriter::AddEntry(std::string_view path, std::uint32_t mode,
                          std::span<std::uint8_t const> content) {
  auto const links = S_ISDIR(mode) ? 2U : 1U;
  // magic, inode, mode, uid, gid, links, mtime, size, device ×2, special device ×2, name, check
  auto const header =
      fmt::format("070701{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:032x}{:08x}{:08x}",
                  next_inode_++, mode, 0, 0, links, 0, content.size(), 0, path.size() + 1, 0);
  std::copy(header.begin(), header.end(), std::back_inserter(bytes_));
  std::copy(path.begin(), path.end(), std::back_inserter(bytes_));
  bytes_.push_back(0);
  Pad();
  bytes_.insert(bytes_.end(), content.begin(), content.end());
  Pad();
}

void CpioWriter::Pad() {
  constexpr std::size_t kAlign = 4;
  bytes_.resize((bytes_.size() + kAlign - 1) / kAlign * kAlign);
}

Result<std::vector<std::uint8_t>> Gzip(std::span<std::uint8_t const> plain) {
  constexpr int kGzipWindow = 15 + 16;
  constexpr int kMemory = 9;
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindow, kMemory,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return Fail(Code::kInternal, "zlib did not start");
  }
  std::vector<std::uint8_t> out(deflateBound(&stream, plain.size()));
  stream.next_in = const_cast<Bytef*>(plain.data());  // zlib's old interface; it only reads
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  int const state = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (state != Z_STREAM_END) return Fail(Code::kInternal, "zlib did not finish");
  return out;
}

}  // namespace trellis::plugins::zmachine
