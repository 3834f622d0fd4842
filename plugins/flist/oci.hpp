// Image layouts: OCI directories and unpacked docker archives. Thread-safe: no state.
#pragma once

#include <trellis/host.hpp>
#include <trellis/result.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::flist {

/// What an image wants to run.
struct ImageConfig {
  std::string entrypoint;  ///< words quoted for a shell-like split
  std::map<std::string, std::string> env;
  std::string cwd;
  std::string user;
};
BOOST_DESCRIBE_STRUCT(ImageConfig, (), (entrypoint, env, cwd, user))

struct LayoutImage {
  std::string id;                   ///< sha256 of the manifest or of the configuration
  std::vector<std::string> layers;  ///< tar files, bottom first
  ImageConfig config;
};

/// Reads the layout `dir` and verifies size and sha256 of every blob it uses. Takes linux/amd64
/// where there is a choice, else the first. kInvalid, kCancelled.
Result<LayoutImage> ReadOciLayout(Call& call, std::string const& dir);
/// Reads an unpacked `docker save`. kInvalid.
Result<LayoutImage> ReadDockerArchive(Call& call, std::string const& dir);
/// The manifest that ReadOciLayout would take, without reading layers: "<sha256>".
Result<std::string> OciManifestDigest(Call& call, std::string const& dir);
/// The `config` object of an image configuration.
Result<ImageConfig> ParseImageConfig(std::string_view text);

}  // namespace trellis::plugins::flist
