// A host with the flist plugin and a directory of images it may use.
#pragma once

#include "tests/support/fake_host.hpp"
#include "tests/support/image_tree.hpp"

#include <trellis/services/image.hpp>
#include <trellis/services/storage.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace trellis::testing {

class FlistTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;  ///< unmounts everything and checks that no mount is left
  void LoadFlist(std::string const& extra = "");

  Result<services::FlistMount> Mount(std::string const& url, std::string const& mode = "ro",
                                     std::string const& slot = "rootfs");
  Result<void> Unmount(std::string const& slot = "rootfs");
  [[nodiscard]] std::string upper() const { return host_.dir() + "/upper:1"; }

  /// Writes an OCI layout of these layers (tar files) into `dir`.
  void WriteOciLayout(std::string const& dir, std::vector<std::string> const& layers,
                      std::string const& config);
  static std::string Sha256(std::string const& path);

  TempDir images_;
  FakeHost host_;
};

}  // namespace trellis::testing
