#include "plugins/flist/tool/convert.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/flist/images.hpp"
#include "plugins/flist/tool/startup_file.hpp"

#include <cstdlib>
#include <filesystem>

namespace trellis::plugins::flist {

namespace {

namespace fs = std::filesystem;

/// A folder that goes when it is not needed any more.
class Scratch {
 public:
  static Result<std::unique_ptr<Scratch>> Make(std::string const& below) {
    std::string path = below + "/trellis-flist-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) return FailErrno("create '{}'", path);
    return std::make_unique<Scratch>(std::move(path));
  }
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  ~Scratch() { (void)RemoveTree(path_).has_value(); }
  Scratch(Scratch const&) = delete;
  Scratch& operator=(Scratch const&) = delete;
  [[nodiscard]] std::string const& path() const { return path_; }

 private:
  std::string path_;
};

FlistConfig ConfigFor(std::string const& source) {
  FlistConfig config;
  config.file_roots = {fs::path(source).parent_path().string()};
  config.max_unpacked = ~std::uint64_t{0} >> 1;  // the user's own disk
  return config;
}

Result<PackSummary> MoveTo(std::string const& root, std::string const& output) {
  std::error_code error;
  if (fs::exists(fs::symlink_status(output, error)))
    return Fail(Code::kExists, "'{}' exists already", output);
  fs::rename(root, output, error);
  if (error) return Fail(Code::kIo, "move the image to '{}': {}", output, error.message());
  return PackSummary{};
}

}  // namespace

Result<PackSummary> Convert(Call& call, ConvertRequest const& request) {
  std::error_code error;
  auto const source = fs::canonical(request.source, error).string();
  if (error) return Fail(Code::kNotFound, "'{}' does not exist", request.source);
  TRELLIS_TRY(auto const scratch, Scratch::Make(request.temp));
  auto const config = ConfigFor(source);
  Images images(config, scratch->path());
  TRELLIS_CHECK(images.Start());
  TRELLIS_TRY(auto const image, images.Ensure(call, source));
  if (IsMountable(image.format))
    return Fail(Code::kInvalid, "'{}' is an image that is mounted as it is", request.source);
  bool const own = image.format != ImageFormat::kDirectory;
  if (!own && request.routes.empty())
    return Fail(Code::kInvalid, "'{}' is a directory already", request.source);
  if (own) TRELLIS_CHECK(WriteStartupFile(image.root, image.config));
  if (request.routes.empty()) return MoveTo(image.root, request.output);
  return Pack({image.root, request.output, request.routes, {}, request.sources});
}

}  // namespace trellis::plugins::flist
