#include "kernel/plugin/trust_store.hpp"

#include "kernel/sys/files.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/kernel/plugin/trust_lab.hpp"

#include <gmock/gmock.h>

namespace trellis::plugin {
namespace {

using ::testing::HasSubstr;

TEST(ManifestSignature, IsOneLineThatReadsAsItWasWritten) {
  auto const signer = TestSigner(7);
  auto const line = ManifestSignature::Make(signer, "{}").ToLine();

  EXPECT_TRUE(line.starts_with("trellis-sig-v1 " + KeyId(signer.public_key()) + " "));
  EXPECT_TRUE(line.ends_with("==\n"));
  auto const read = ManifestSignature::Parse(line).value();
  EXPECT_TRUE(read.Matches(signer.public_key(), "{}"));
  EXPECT_FALSE(read.Matches(signer.public_key(), "{} "));
  EXPECT_FALSE(read.Matches(TestSigner(8).public_key(), "{}"));
}

TEST(ManifestSignature, RefusesOtherTexts) {
  EXPECT_FALSE(ManifestSignature::Parse(""));
  EXPECT_FALSE(ManifestSignature::Parse("trellis-sig-v2 0123456789abcdef AAAA"));
  EXPECT_FALSE(ManifestSignature::Parse("trellis-sig-v1 0123456789ABCDEF AAAA"));
  EXPECT_FALSE(ManifestSignature::Parse("trellis-sig-v1 0123456789abcdef AAAA"));
  EXPECT_FALSE(ManifestSignature::Parse("trellis-sig-v1 0123456789abcdef !"));
}

TEST(SigningKey, ReadsAsItWasWritten) {
  std::array<std::uint8_t, 32> seed{};
  seed.fill(7);
  EXPECT_EQ(ParseSigningKey(SigningKeyText(seed)).value().public_key(), TestSigner(7).public_key());
  EXPECT_FALSE(ParseSigningKey("trellis-signing-key-v1 AAAA"));
}

class Store : public ::testing::Test {
 protected:
  void Write(char const* name, std::string_view text) {
    ASSERT_TRUE(sys::WriteFileAtomic(folder_ / name, text));
  }
  std::string Refusal() {
    auto const store = TrustStore::Open(folder_ / "");
    return store ? "" : store.error().message;
  }
  testing::TempDir folder_;
};

TEST_F(Store, ReadsKeysWithTheirNamesAndRemarks) {
  auto const key = TestSigner(7).public_key();
  Write("a.pub", "# ours\n\n" + TrustedKey{key, "", "acme-*", "of acme"}.ToLine());
  auto const store = TrustStore::Open(folder_ / "").value();

  auto const* found = store.Find(KeyId(key));
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->comment, "of acme");
  EXPECT_TRUE(found->MaySign("acme-disk"));
  EXPECT_FALSE(found->MaySign("disk"));
  EXPECT_EQ(store.Find("0123456789abcdef"), nullptr);
}

TEST_F(Store, TrustsNobodyWhenItIsNotThere) {
  auto const store = TrustStore::Open(folder_ / "nowhere");
  ASSERT_TRUE(store);
  EXPECT_TRUE(store->keys().empty());
}

TEST_F(Store, NamesTheLineOfABadKey) {
  Write("a.pub", "# ours\ned25519 AAAA *\n");
  EXPECT_THAT(Refusal(), HasSubstr("a.pub:2: expected 32 bytes, got 3"));
}

TEST_F(Store, NamesTheLineOfABadRevocation) {
  Write("revoked", "0123456789abcdef\nsomething\n");
  EXPECT_THAT(Refusal(), HasSubstr("revoked:2: expected a key id"));
}

TEST_F(Store, IsNotReadWhenOthersMayWriteIt) {
  std::filesystem::permissions(folder_ / "", std::filesystem::perms::group_write,
                               std::filesystem::perm_options::add);
  EXPECT_THAT(Refusal(), HasSubstr("is writable for its group"));
}

}  // namespace
}  // namespace trellis::plugin
