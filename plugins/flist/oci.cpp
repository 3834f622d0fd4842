#include "plugins/flist/oci.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/flist/digest.hpp"
#include "plugins/flist/root_lookup.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <optional>

namespace trellis::plugins::flist {

namespace {

constexpr std::size_t kMaxDocument = std::size_t{4} << 20;
constexpr std::size_t kMaxLayers = 256;
constexpr int kMaxNesting = 4;
constexpr std::string_view kSha256 = "sha256:";
constexpr std::size_t kSha256Digits = 64;

struct Platform {
  std::string os;
  std::string architecture;
};
BOOST_DESCRIBE_STRUCT(Platform, (), (os, architecture))
struct Descriptor {
  std::string mediaType;
  std::string digest;
  std::uint64_t size = 0;
  std::optional<Platform> platform;
};
BOOST_DESCRIBE_STRUCT(Descriptor, (), (mediaType, digest, size, platform))
struct Index {
  std::vector<Descriptor> manifests;
};
BOOST_DESCRIBE_STRUCT(Index, (), (manifests))
struct Manifest {
  Descriptor config;
  std::vector<Descriptor> layers;
};
BOOST_DESCRIBE_STRUCT(Manifest, (), (config, layers))
struct RunConfig {
  std::vector<std::string> Entrypoint;
  std::vector<std::string> Cmd;
  std::vector<std::string> Env;
  std::string WorkingDir;
  std::string User;
};
BOOST_DESCRIBE_STRUCT(RunConfig, (), (Entrypoint, Cmd, Env, WorkingDir, User))
struct ConfigDocument {
  RunConfig config;
};
BOOST_DESCRIBE_STRUCT(ConfigDocument, (), (config))
struct DockerImage {
  std::string Config;
  std::vector<std::string> Layers;
};
BOOST_DESCRIBE_STRUCT(DockerImage, (), (Config, Layers))

std::string Quoted(std::string const& word) {
  std::string out = "\"";
  for (char const c : word) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// A file of the layout; names and links in it come from a stranger.
Result<std::string> MemberPath(std::string const& dir, std::string const& name) {
  TRELLIS_TRY(bool const there, HasFile(dir, name));
  if (!there) return Fail(Code::kInvalid, "image lacks '{}'", name);
  TRELLIS_TRY(auto const fd, OpenInRoot(dir, name, O_PATH));
  std::error_code error;
  auto path = std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", fd.get()), error);
  if (error) return Fail(Code::kIo, "'{}': {}", name, error.message());
  return path.string();
}

Result<std::string> ReadMember(std::string const& dir, std::string const& name) {
  TRELLIS_TRY(auto const path, MemberPath(dir, name));
  return ReadFile(path, kMaxDocument);
}

// The blob's file, once its name, size and content are what the descriptor says.
Result<std::string> CheckedBlob(Call& call, std::string const& dir, Descriptor const& blob) {
  auto const hex =
      std::string_view(blob.digest).substr(std::min(kSha256.size(), blob.digest.size()));
  bool const plain = std::ranges::all_of(
      hex, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (!blob.digest.starts_with(kSha256) || hex.size() != kSha256Digits || !plain)
    return Fail(Code::kInvalid, "image names a blob with digest '{}'", blob.digest);
  TRELLIS_TRY(auto path, MemberPath(dir, fmt::format("blobs/sha256/{}", hex)));
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return FailErrno("blob '{}'", blob.digest);
  if (static_cast<std::uint64_t>(info.st_size) != blob.size)
    return Fail(Code::kInvalid, "blob '{}' has {} bytes instead of {}", blob.digest, info.st_size,
                blob.size);
  TRELLIS_TRY(auto const digests, DigestFile(call, path));
  if (digests.sha256 != hex)
    return Fail(Code::kInvalid, "blob '{}' has another digest", blob.digest);
  return path;
}

Result<std::string> ReadBlob(Call& call, std::string const& dir, Descriptor const& blob) {
  if (blob.size > kMaxDocument) return Fail(Code::kInvalid, "blob '{}' is too big", blob.digest);
  TRELLIS_TRY(auto const path, CheckedBlob(call, dir, blob));
  return ReadFile(path, kMaxDocument);
}

bool IsIndex(Descriptor const& blob) {
  return blob.mediaType == "application/vnd.oci.image.index.v1+json" ||
         blob.mediaType == "application/vnd.docker.distribution.manifest.list.v2+json";
}

Result<Descriptor> ChooseManifest(Call& call, std::string const& dir) {
  TRELLIS_TRY(auto text, ReadMember(dir, "index.json"));
  for (int depth = 0; depth < kMaxNesting; ++depth) {
    TRELLIS_TRY(auto const index, json::Parse<Index>(text));
    if (index.manifests.empty()) return Fail(Code::kInvalid, "image index names no manifest");
    auto const ours = std::ranges::find_if(index.manifests, [](Descriptor const& manifest) {
      return manifest.platform.has_value() && manifest.platform->os == "linux" &&
             manifest.platform->architecture == "amd64";
    });
    auto const& chosen = ours == index.manifests.end() ? index.manifests.front() : *ours;
    if (!IsIndex(chosen)) return chosen;
    TRELLIS_TRY(text, ReadBlob(call, dir, chosen));
  }
  return Fail(Code::kInvalid, "image index is nested too deep");
}

}  // namespace

Result<ImageConfig> ParseImageConfig(std::string_view text) {
  TRELLIS_TRY(auto const document, json::Parse<ConfigDocument>(text));
  auto words = document.config.Entrypoint;
  words.insert(words.end(), document.config.Cmd.begin(), document.config.Cmd.end());
  ImageConfig config;
  for (auto const& word : words) {
    if (!config.entrypoint.empty()) config.entrypoint += ' ';
    config.entrypoint += Quoted(word);
  }
  for (auto const& entry : document.config.Env) {
    auto const equals = entry.find('=');
    if (equals != std::string::npos && equals != 0)
      config.env.insert_or_assign(entry.substr(0, equals), entry.substr(equals + 1));
  }
  config.cwd = document.config.WorkingDir;
  config.user = document.config.User;
  return config;
}

Result<std::string> OciManifestDigest(Call& call, std::string const& dir) {
  TRELLIS_TRY(auto const chosen, ChooseManifest(call, dir));
  if (chosen.digest.size() != kSha256.size() + kSha256Digits)
    return Fail(Code::kInvalid, "image names a manifest with digest '{}'", chosen.digest);
  return chosen.digest.substr(kSha256.size());
}

Result<LayoutImage> ReadOciLayout(Call& call, std::string const& dir) {
  TRELLIS_TRY(auto const chosen, ChooseManifest(call, dir));
  TRELLIS_TRY(auto const text, ReadBlob(call, dir, chosen));
  TRELLIS_TRY(auto const manifest, json::Parse<Manifest>(text));
  if (manifest.layers.size() > kMaxLayers)
    return Fail(Code::kInvalid, "image has more than {} layers", kMaxLayers);
  LayoutImage image;
  image.id = chosen.digest.substr(kSha256.size());
  for (auto const& layer : manifest.layers) {
    TRELLIS_TRY(auto path, CheckedBlob(call, dir, layer));
    image.layers.push_back(std::move(path));
  }
  TRELLIS_TRY(auto const config, ReadBlob(call, dir, manifest.config));
  TRELLIS_TRY(image.config, ParseImageConfig(config));
  return image;
}

Result<LayoutImage> ReadDockerArchive(Call& call, std::string const& dir) {
  TRELLIS_TRY(auto const text, ReadMember(dir, "manifest.json"));
  TRELLIS_TRY(auto const images, json::Parse<std::vector<DockerImage>>(text));
  if (images.empty()) return Fail(Code::kInvalid, "docker archive names no image");
  auto const& first = images.front();
  if (first.Layers.size() > kMaxLayers)
    return Fail(Code::kInvalid, "image has more than {} layers", kMaxLayers);
  LayoutImage image;
  for (auto const& layer : first.Layers) {
    TRELLIS_TRY(auto path, MemberPath(dir, layer));
    image.layers.push_back(std::move(path));
  }
  TRELLIS_TRY(auto const config_path, MemberPath(dir, first.Config));
  TRELLIS_TRY(auto const digests, DigestFile(call, config_path));
  image.id = digests.sha256;
  TRELLIS_TRY(auto const config, ReadFile(config_path, kMaxDocument));
  TRELLIS_TRY(image.config, ParseImageConfig(config));
  return image;
}

}  // namespace trellis::plugins::flist
