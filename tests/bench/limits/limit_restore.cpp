// Restart floor: read back N stored deployments (one 3.7 KB document and one 2 KB result each).
// The file's own cached pages are dropped before each pass.
#include "tests/bench/limits/common.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <unordered_map>

namespace {

using namespace trellis::limits;  // NOLINT(google-build-using-namespace): a program of its own
namespace json = boost::json;

struct Header {
  std::uint32_t size = 0;
  std::uint32_t crc = 0;
  std::uint32_t deployment = 0;
  std::uint32_t is_document = 0;
};
struct Place {
  std::size_t offset = 0;
  std::uint32_t size = 0;
};
enum class Mode : std::uint8_t { kIndex, kParseResults, kKeepAll };

std::uint32_t Crc(char const* data, std::size_t size) {
  return static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<Bytef const*>(data), static_cast<uInt>(size)));
}

double RssKib() {
  std::ifstream statm("/proc/self/statm");
  double all = 0;
  double resident = 0;
  statm >> all >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1024;
}

void WriteFile(std::filesystem::path const& path, std::size_t count) {
  auto const document = ReferenceDocument();
  auto const result = ResultRecord();
  std::FILE* const file = std::fopen(path.c_str(), "we");
  if (file == nullptr) Die("cannot make " + path.string());
  for (std::size_t i = 0; i < count; ++i) {
    for (auto const* text : {&document, &result}) {
      Header const header{static_cast<std::uint32_t>(text->size()), Crc(text->data(), text->size()),
                          static_cast<std::uint32_t>(i), text == &document ? 1U : 0U};
      std::fwrite(&header, sizeof header, 1, file);
      std::fwrite(text->data(), text->size(), 1, file);
    }
  }
  if (std::fflush(file) != 0 || ::fsync(fileno(file)) != 0) Die("write");
  (void)std::fclose(file);  // synced above
}

/// One pass over the file, as a restarting daemon would read it.
class Pass {
 public:
  Pass(Mode mode, std::size_t count) : mode_(mode) { index_.reserve(count); }

  void Read(int fd) {
    std::vector<char> buffer(std::size_t{4} << 20);
    std::size_t have = 0;
    ssize_t got = 0;
    while ((got = ::read(fd, buffer.data() + have, buffer.size() - have)) > 0) {
      have += static_cast<std::size_t>(got);
      auto const used = Consume(buffer.data(), have);
      std::memmove(buffer.data(), buffer.data() + used, have - used);
      have -= used;
      base_ += used;
    }
  }

 private:
  std::size_t Consume(char const* data, std::size_t have) {
    std::size_t at = 0;
    Header header;
    while (have - at >= sizeof header) {
      std::memcpy(&header, data + at, sizeof header);
      if (have - at < sizeof header + header.size) break;
      Take(header, data + at + sizeof header, base_ + at);
      at += sizeof header + header.size;
    }
    return at;
  }
  void Take(Header const& header, char const* text, std::size_t offset) {
    if (Crc(text, header.size) != header.crc) Die("bad record");
    if (header.is_document != 0) index_[header.deployment] = {offset, header.size};
    if (mode_ == Mode::kParseResults && header.is_document == 0) {
      json::monotonic_resource arena;
      if (!json::parse({text, header.size}, &arena).is_object()) Die("bad result");
    }
    if (mode_ == Mode::kKeepAll) kept_.push_back(json::parse({text, header.size}));
  }

  Mode mode_;
  std::size_t base_ = 0;
  std::unordered_map<std::uint32_t, Place> index_;
  std::vector<json::value> kept_;
};

void Run(std::filesystem::path const& path, std::size_t count) {
  WriteFile(path, count);
  constexpr std::array<std::string_view, 3> kNames{"read+crc+index", "+parse results",
                                                   "+parse and keep all"};
  for (auto const mode : {Mode::kIndex, Mode::kParseResults, Mode::kKeepAll}) {
    int const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    (void)::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    double const rss_before = RssKib();
    auto const start = Clock::now();
    (void)::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    Pass pass(mode, count);
    pass.Read(fd);
    double const seconds = SecondsBetween(start, Clock::now());
    ::close(fd);
    Row row;
    row.name = fmt::format("restore/{}/{}", kNames[static_cast<std::size_t>(mode)], count);
    row.per_s = static_cast<double>(count) / seconds;
    row.more = {{"ms", seconds * 1000}, {"rss_kib", RssKib() - rss_before}};
    Print(std::move(row));
  }
  std::filesystem::remove(path);
}

}  // namespace

int main(int argc, char** argv) {
  std::filesystem::path dir = ".";
  std::vector<std::size_t> counts{10, 10000, 100000};
  bool json = false;
  CLI::App app("The floor of a restart");
  app.add_option("dir", dir, "folder on the disk that the daemon uses");
  app.add_option("counts", counts, "stored deployments");
  app.add_flag("--json", json);
  CLI11_PARSE(app, argc, argv);
  if (json) SetJson();
  for (auto const count : counts)
    Run(dir / "limit.restore", count);
  return 0;
}
