// A plugin that is packed and signed as its author would, in a lab that trusts the author.
#pragma once

#include "kernel/plugin/describe.hpp"
#include "kernel/plugin/manifest_pack.hpp"
#include "kernel/plugin/trust.hpp"
#include "kernel/sys/files.hpp"
#include "tests/unit/kernel/plugin/plugin_lab.hpp"

#include <array>
#include <string>
#include <utility>

namespace trellis::plugin {

inline crypto::Signer TestSigner(std::uint8_t number) {
  std::array<std::uint8_t, 32> seed{};
  seed.fill(number);
  return crypto::Signer::FromSeed(crypto::KeyType::kEd25519, seed);
}

/// The plugin `marker`, whose file runs code as soon as it is loaded.
class TrustLab {
 public:
  TrustLab() {
    std::filesystem::create_directories(trust());
    lab.trust = PluginTrust{trust(), false};
    lab.Add("marker");
    Trust(author, "*");
    Pack();
    Sign(author);
  }

  /// Writes the manifest, as `change` leaves it.
  void Pack(std::string const& from = "", std::string const& to = "") {
    auto const host = std::filesystem::path(TRELLIS_BUILD_DIR) / "bin/trellis-plugin-host";
    auto const found = DescribeApart(host, file()).value();
    auto const bytes = sys::ReadFile(file()).value();
    auto text = PackManifest(found, FactsOf("marker.trellis.so", bytes)).value();
    if (auto const at = text.find(from); !from.empty() && at != std::string::npos)
      text.replace(at, from.size(), to);
    Write(lab.plugins() / "marker.manifest.json", text);
    std::filesystem::remove(file().string() + ".ran");  // describing it ran it
  }
  void Sign(crypto::Signer const& signer) const {
    auto const text = sys::ReadFile(lab.plugins() / "marker.manifest.json").value();
    Write(signature(), ManifestSignature::Make(signer, text).ToLine());
  }
  void Trust(crypto::Signer const& signer, std::string names) const {
    TrustedKey const key{signer.public_key(), KeyId(signer.public_key()), std::move(names), "x"};
    Write(trust() / "author.pub", key.ToLine());
  }
  static void Write(std::filesystem::path const& path, std::string_view text) {
    ASSERT_TRUE(sys::WriteFileAtomic(path, text));
  }

  /// State and reason after a start; nothing of a refused plugin may have run.
  PluginStatus Start() {
    lab.Open();
    auto status = lab.StatusOf("marker");
    EXPECT_FALSE(status.state == "refused" && Ran()) << status.reason;
    return status;
  }
  /// Did the code of the plugin run, wherever it was loaded from?
  [[nodiscard]] bool Ran() const {
    for (auto const& entry : std::filesystem::recursive_directory_iterator(lab.root())) {
      if (entry.path().extension() == ".ran") return true;
    }
    return false;
  }

  [[nodiscard]] std::filesystem::path file() const { return lab.plugins() / "marker.trellis.so"; }
  [[nodiscard]] std::filesystem::path signature() const {
    return lab.plugins() / "marker.manifest.json.sig";
  }
  [[nodiscard]] std::filesystem::path trust() const { return lab.root() / "trust.d"; }

  PluginLab lab;
  crypto::Signer author = TestSigner(1);
};

}  // namespace trellis::plugin
