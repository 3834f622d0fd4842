#include "tests/integration/storage/flist_fixture.hpp"

#include "plugins/common/posix/mounts.hpp"
#include "plugins/flist/digest.hpp"

#include <filesystem>

namespace trellis::testing {

using namespace trellis::services;
namespace fs = std::filesystem;

void FlistTest::LoadFlist(std::string const& extra) {
  auto const config = fmt::format(R"({{"file_roots":["{}"]{}}})", images_.path(), extra);
  auto const loaded = host_.Load(FakeHost::BuiltPlugin("flist"), config);
  ASSERT_TRUE(loaded) << loaded.error().message;
}

void FlistTest::SetUp() {
  LoadFlist();
  fs::create_directories(upper());
}

void FlistTest::TearDown() {
  EXPECT_TRUE(host_.CallService<json::Nothing>(kImageFlist, "reconcile", Reconcile{}));
  auto const mounts = plugins::ReadMounts();
  ASSERT_TRUE(mounts);
  for (auto const& mount : *mounts)
    EXPECT_FALSE(mount.target.starts_with(host_.dir())) << mount.target;
}

Result<FlistMount> FlistTest::Mount(std::string const& url, std::string const& mode,
                                    std::string const& slot) {
  FlistMountRequest const request{"1-2-vm", slot, url, mode, mode == "rw" ? upper() : ""};
  return host_.CallService<FlistMount>(kImageFlist, "mount", request);
}

Result<void> FlistTest::Unmount(std::string const& slot) {
  TRELLIS_CHECK(
      host_.CallService<json::Nothing>(kImageFlist, "unmount", FlistLease{"1-2-vm", slot}));
  return {};
}

std::string FlistTest::Sha256(std::string const& path) {
  TestCall call;
  return plugins::flist::DigestFile(*call, path)->sha256;
}

void FlistTest::WriteOciLayout(std::string const& dir, std::vector<std::string> const& layers,
                               std::string const& config) {
  auto const blobs = dir + "/blobs/sha256";
  fs::create_directories(blobs);
  auto const add = [&](std::string const& file, std::string const& type) {
    auto const digest = Sha256(file);
    auto const size = fs::file_size(file);
    fs::copy_file(file, blobs + "/" + digest, fs::copy_options::overwrite_existing);
    return fmt::format(R"({{"mediaType":"{}","digest":"sha256:{}","size":{}}})", type, digest,
                       size);
  };
  std::vector<std::string> listed;
  for (auto const& layer : layers)
    listed.push_back(add(layer, "application/vnd.oci.image.layer.v1.tar"));
  WriteText(dir + "/temp", config);
  auto const config_entry = add(dir + "/temp", "application/vnd.oci.image.config.v1+json");
  WriteText(dir + "/temp", fmt::format(R"({{"schemaVersion":2,"config":{},"layers":[{}]}})",
                                       config_entry, fmt::join(listed, ",")));
  auto const manifest = add(dir + "/temp", "application/vnd.oci.image.manifest.v1+json");
  fs::remove(dir + "/temp");
  WriteText(dir + "/index.json",
            fmt::format(R"({{"schemaVersion":2,"manifests":[{}]}})", manifest));
  WriteText(dir + "/oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
}

}  // namespace trellis::testing
