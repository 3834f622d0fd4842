#include "plugins/zmachine/guest/file_io.hpp"

#include <cstddef>
#include <fstream>
#include <iterator>
#include <system_error>

namespace trellis::plugins::zmachine {

Result<std::vector<std::uint8_t>> ReadWholeFile(std::filesystem::path const& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<std::uint8_t> content{std::istreambuf_iterator<char>(in), {}};
  if (!in || in.bad()) return Fail(Code::kIo, "cannot read '{}'", path.string());
  return content;
}

Result<void> ReplaceFile(std::filesystem::path const& path, std::span<std::uint8_t const> content) {
  auto temporary = path;
  temporary += ".part";
  std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<char const*>(content.data()),
            static_cast<std::streamsize>(content.size()));
  out.close();
  if (!out) return Fail(Code::kIo, "cannot write '{}'", temporary.string());
  std::error_code error;
  std::filesystem::rename(temporary, path, error);
  if (error) return Fail(Code::kIo, "cannot write '{}': {}", path.string(), error.message());
  return {};
}

}  // namespace trellis::plugins::zmachine
