// What is not signed, or not what was signed, is refused before any of it runs.
#include "tests/unit/kernel/plugin/trust_lab.hpp"

#include <gmock/gmock.h>

#include <fstream>

namespace trellis::plugin {
namespace {

using ::testing::HasSubstr;

TEST(PluginTrust, RunsAPluginOfATrustedAuthor) {
  TrustLab trust;
  auto const status = trust.Start();

  EXPECT_EQ(status.state, "running") << status.reason;
  EXPECT_EQ(status.key, KeyId(trust.author.public_key()));
  EXPECT_FALSE(status.dev);
}

TEST(PluginTrust, KnowsThatTheMarkerTellsOfCodeThatRan) {
  TrustLab trust;
  trust.lab.trust.reset();
  trust.lab.hosting = Hosting::kInline;  // a helper may not write beside its library
  EXPECT_EQ(trust.Start().state, "running");
  EXPECT_TRUE(trust.Ran());
}

TEST(PluginTrust, RefusesAnUnsignedPlugin) {
  TrustLab trust;
  std::filesystem::remove(trust.signature());
  auto const status = trust.Start();
  EXPECT_EQ(status.state, "refused");
  EXPECT_EQ(status.reason,
            "plugin 'marker': it is not signed: there is no '" + trust.signature().string() + "'");
}

TEST(PluginTrust, RefusesAKeyThatNobodyTrusts) {
  TrustLab trust;
  trust.Sign(TestSigner(2));
  auto const status = trust.Start();
  EXPECT_EQ(status.state, "refused");
  EXPECT_EQ(status.reason, "plugin 'marker': it is signed by key " +
                               KeyId(TestSigner(2).public_key()) + ", which '" +
                               trust.trust().string() + "' does not trust");
}

TEST(PluginTrust, RefusesANameThatTheKeyMayNotSign) {
  TrustLab trust;
  trust.Trust(trust.author, "acme-*");
  auto const status = trust.Start();
  EXPECT_EQ(status.state, "refused");
  EXPECT_THAT(status.reason, HasSubstr(", which may only sign 'acme-*'"));
}

TEST(PluginTrust, RefusesAManifestThatWasChangedAfterwards) {
  TrustLab trust;
  trust.Pack("\"permissions\":[]", "\"permissions\":[\"net.admin\"]");
  auto const status = trust.Start();
  EXPECT_EQ(status.state, "refused");
  EXPECT_THAT(status.reason, HasSubstr("is not one of its manifest"));
}

TEST(PluginTrust, RefusesAFlippedByte) {
  TrustLab trust;
  auto bytes = sys::ReadFile(trust.file()).value();
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  TrustLab::Write(trust.file(), bytes);
  auto const status = trust.Start();
  EXPECT_EQ(status.state, "refused");
  EXPECT_THAT(status.reason, HasSubstr("is not the file that its manifest describes"));
}

TEST(PluginTrust, RefusesATruncatedFile) {
  TrustLab trust;
  auto const size = std::filesystem::file_size(trust.file());
  std::filesystem::resize_file(trust.file(), size - 1);
  auto const status = trust.Start();
  EXPECT_EQ(status.state, "refused");
  EXPECT_THAT(status.reason,
              HasSubstr(fmt::format("has {} bytes, its manifest says {}", size - 1, size)));
}

TEST(PluginTrust, RefusesAFolderThatOthersMayWrite) {
  TrustLab trust;
  std::filesystem::permissions(trust.lab.plugins(), std::filesystem::perms::group_write,
                               std::filesystem::perm_options::add);
  auto const status = trust.Start();
  EXPECT_EQ(status.state, "refused");
  EXPECT_THAT(status.reason, HasSubstr("plugins' is writable for its group"));
}

TEST(PluginTrust, RefusesAFileThatOthersMayWrite) {
  TrustLab trust;
  std::filesystem::permissions(trust.file(), std::filesystem::perms::others_write,
                               std::filesystem::perm_options::add);
  auto const status = trust.Start();
  EXPECT_EQ(status.state, "refused");
  EXPECT_THAT(status.reason, HasSubstr("marker.trellis.so' is writable for everybody"));
}

TEST(PluginTrust, RefusesASymbolicLink) {
  TrustLab trust;
  auto const elsewhere = trust.lab.root() / "marker.trellis.so";
  std::filesystem::rename(trust.file(), elsewhere);
  std::filesystem::create_symlink(elsewhere, trust.file());
  auto const status = trust.Start();
  EXPECT_EQ(status.state, "refused");
  EXPECT_THAT(status.reason, HasSubstr("marker.trellis.so' is a symbolic link"));
}

TEST(PluginTrust, RefusesAPluginWithoutManifest) {
  TrustLab trust;
  std::filesystem::remove(trust.lab.plugins() / "marker.manifest.json");
  auto const status = trust.Start();
  EXPECT_EQ(status.state, "refused");
  EXPECT_THAT(status.reason, HasSubstr("it has no manifest"));
}

TEST(PluginTrust, RefusesTheManifestOfAnother) {
  TrustLab trust;
  trust.Pack("\"name\":\"marker\"", "\"name\":\"other\"");
  trust.Sign(trust.author);
  auto const status = trust.Start();
  EXPECT_EQ(status.state, "refused");
  EXPECT_THAT(status.reason, HasSubstr("marker.manifest.json' is that of 'other'"));
}

TEST(PluginTrust, RefusesARevokedKey) {
  TrustLab trust;
  TrustLab::Write(trust.trust() / "revoked", KeyId(trust.author.public_key()) + " # lost\n");
  auto const status = trust.Start();
  EXPECT_EQ(status.state, "refused");
  EXPECT_THAT(status.reason, HasSubstr(", which is revoked"));
}

TEST(PluginTrust, RefusesARevokedFile) {
  TrustLab trust;
  auto const hash = FactsOf("", sys::ReadFile(trust.file()).value()).blake2b_256;
  TrustLab::Write(trust.lab.root() / "revoked", hash + "\n");
  auto const status = trust.Start();
  EXPECT_EQ(status.state, "refused");
  EXPECT_THAT(status.reason, HasSubstr("is revoked (hash " + hash + ")"));
}

TEST(PluginTrust, CountsAKeyThatCameAfterTheStart) {
  if (!PluginLab::Isolated()) return;  // in the daemon nothing is exchanged
  TrustLab trust;
  std::filesystem::remove(trust.trust() / "author.pub");
  EXPECT_EQ(trust.Start().state, "refused");
  trust.Trust(trust.author, "*");

  auto const done = trust.lab.manager().Reload("marker");

  EXPECT_TRUE(done) << done.error().message;
  EXPECT_EQ(trust.lab.StatusOf("marker").state, "running");
}

TEST(PluginTrust, RefusesATypeThatTheCodeDoesNotRegister) {
  TrustLab trust;
  trust.Pack("\"types\":[", "\"types\":[{\"name\":\"extra\"},");
  trust.Sign(trust.author);
  trust.lab.Open();
  auto const status = trust.lab.StatusOf("marker");
  EXPECT_EQ(status.state, "refused");
  EXPECT_EQ(status.reason,
            "the manifest of plugin 'marker' lists type 'extra', which it does not register");
  EXPECT_TRUE(HelpersOfThisProcess().empty()) << "its process goes on";
}

TEST(PluginTrust, RefusesATypeThatTheManifestDoesNotList) {
  TrustLab trust;
  trust.Pack("\"types\":[{\"name\":\"marker\"", "\"types\":[{\"name\":\"extra\"");
  trust.Sign(trust.author);
  trust.lab.Open();
  auto const status = trust.lab.StatusOf("marker");
  EXPECT_EQ(status.state, "refused");
  EXPECT_EQ(status.reason,
            "plugin 'marker' registers type 'marker', which its manifest does not list");
}

TEST(PluginTrust, RefusesAnotherVersionThanTheManifests) {
  TrustLab trust;
  trust.Pack("\"version\":\"1.0.0\"", "\"version\":\"1.0.1\"");
  trust.Sign(trust.author);
  trust.lab.Open();
  auto const status = trust.lab.StatusOf("marker");
  EXPECT_EQ(status.state, "refused");
  EXPECT_EQ(status.reason, "plugin 'marker' has version 1.0.0, its manifest says 1.0.1");
}

TEST(PluginTrust, RunsAnUnsignedPluginInDevModeAndSaysSo) {
  TrustLab trust;
  trust.lab.trust->dev = true;
  std::filesystem::remove(trust.signature());
  auto const status = trust.Start();
  EXPECT_EQ(status.state, "running") << status.reason;
  EXPECT_TRUE(status.dev);
  EXPECT_EQ(status.key, "");
}

TEST(PluginTrust, RefusesAChangedFileInDevModeToo) {
  TrustLab trust;
  trust.lab.trust->dev = true;
  std::ofstream(trust.file(), std::ios::app) << "x";
  EXPECT_EQ(trust.Start().state, "refused");
}

TEST(PluginTrust, LoadsTheBytesThatItVerified) {
  TrustLab trust;
  auto const original = sys::ReadFile(trust.file()).value();
  Trust checker({trust.lab.plugins(), trust.trust(), trust.lab.root() / "copies"});
  auto const verified = checker.Verify(trust.file());
  ASSERT_TRUE(verified) << verified.error().message;

  TrustLab::Write(trust.file(), "something else");

  EXPECT_EQ(sys::ReadFile(verified->code).value(), original);
  EXPECT_TRUE(Library::Open(verified->code));
}

TEST(PluginTrust, ReplacesACopyThatWasDamaged) {
  TrustLab trust;
  TrustOptions const options{trust.lab.plugins(), trust.trust(), trust.lab.root() / "copies"};
  auto const copy = Trust(options).Verify(trust.file()).value().code;
  std::filesystem::permissions(copy, std::filesystem::perms::owner_all);
  std::ofstream(copy, std::ios::app) << "x";

  EXPECT_EQ(Trust(options).Verify(trust.file()).value().code, copy);
  EXPECT_EQ(sys::ReadFile(copy).value(), sys::ReadFile(trust.file()).value());
}

TEST(PluginTrust, ForgetsCopiesThatNobodyUses) {
  TrustLab trust;
  TrustOptions const options{trust.lab.plugins(), trust.trust(), trust.lab.root() / "copies"};
  auto const copy = Trust(options).Verify(trust.file()).value().code;
  Trust(options).RemoveOldCopies();
  EXPECT_FALSE(std::filesystem::exists(copy));
}

}  // namespace
}  // namespace trellis::plugin
