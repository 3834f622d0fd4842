#include "plugins/flist/rfs/block.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <snappy.h>

namespace trellis::plugins::flist {
namespace {

constexpr std::string_view kPlain = "some random data to store";
constexpr char const* kKey = "b83d15e3b4175fe39f3e86c7b3ed233167c37d779970e6137e7a8d1ddf865fae";
constexpr char const* kId = "d9a070eafd4626be8b079980dbc0a2ed7c3355cd600b70ad6408467281af5ab7";
constexpr char const* kSealed =
    "7508d3d12088d6cc278f83f68c9199e36c733bf3a0727d15014e0e986fface81e714cc33e977ef6f4f2f51";

std::string Hex(std::string_view bytes) {
  std::string text;
  for (char const c : bytes)
    text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

class BlockWith : public ::testing::TestWithParam<Cipher> {
 protected:
  void SetUp() override {
    bool const possible = GetParam() == Cipher::kOpenSsl || BestCipher() == Cipher::kSodium;
    ASSERT_TRUE(possible) << "this machine's CPU has no AES instructions";
  }
};

TEST_P(BlockWith, SealsAsTheFormatSays) {
  auto const block = SealBlock(kPlain, GetParam());

  ASSERT_TRUE(block);
  EXPECT_EQ(HexOf(block->ref.key), kKey);
  EXPECT_EQ(Hex(block->bytes), kSealed);
  EXPECT_EQ(HexOf(block->ref.id), kId);
}

TEST_P(BlockWith, OpensWhatItSealed) {
  auto const block = SealBlock(kPlain, GetParam());

  auto const plain = OpenBlock(block->ref, block->bytes, GetParam());

  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(*plain, kPlain);
}

TEST_P(BlockWith, RefusesAnotherContent) {
  auto block = SealBlock(kPlain, GetParam());
  block->bytes[3] ^= 1;

  auto const plain = OpenBlock(block->ref, block->bytes, GetParam());

  ASSERT_FALSE(plain);
  EXPECT_EQ(plain.error().code, Code::kDecode);
  EXPECT_EQ(plain.error().message,
            fmt::format("block '{}' is damaged: its content is another one", kId));
}

TEST_P(BlockWith, RefusesAnotherKey) {
  auto block = SealBlock(kPlain, GetParam());
  block->ref.key[0] ^= 1;

  auto const plain = OpenBlock(block->ref, block->bytes, GetParam());

  ASSERT_FALSE(plain);
  EXPECT_EQ(plain.error().message,
            fmt::format("block '{}' is damaged: the key is not its own", kId));
}

// The cipher does not bind a block to one key: two that open it to two contents can be found.
TEST_P(BlockWith, RefusesAKeyThatIsNoDigestOfTheContent) {
  BlockRef ref;
  ref.key.fill(7);
  std::string packed;
  snappy::Compress(kPlain.data(), kPlain.size(), &packed);
  std::string sealed(packed.size() + 16, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(sealed.data());
  auto* const context = EVP_CIPHER_CTX_new();
  int size = 0;
  EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nullptr, ref.key.data(), ref.key.data());
  EVP_EncryptUpdate(context, out, &size, reinterpret_cast<unsigned char const*>(packed.data()),
                    static_cast<int>(packed.size()));
  EVP_EncryptFinal_ex(context, out + size, &size);
  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, 16, out + packed.size());
  EVP_CIPHER_CTX_free(context);
  ref.id = DigestBytes(sealed);

  auto const plain = OpenBlock(ref, sealed, GetParam());

  ASSERT_FALSE(plain);
  EXPECT_EQ(
      plain.error().message,
      fmt::format("block '{}' is damaged: the key is not that of its content", HexOf(ref.id)));
}

INSTANTIATE_TEST_SUITE_P(Ciphers, BlockWith, ::testing::Values(Cipher::kSodium, Cipher::kOpenSsl));

TEST(Block, OfFullSizeThatDoesNotCompressComesBack) {
  std::string plain(kBlockBytes, '\0');
  std::uint32_t state = 1;
  for (char& c : plain)
    c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);

  auto const block = SealBlock(plain);

  ASSERT_TRUE(block);
  EXPECT_LE(block->bytes.size(), kMaxSealedBytes);
  EXPECT_EQ(OpenBlock(block->ref, block->bytes).value_or(""), plain);
}

TEST(Block, AboveTheLimitIsNotSealed) {
  EXPECT_EQ(SealBlock(std::string(kBlockBytes + 1, 'x')).error().code, Code::kInvalid);
}

TEST(Block, RefusesSizesThatNoBlockHas) {
  EXPECT_EQ(OpenBlock({}, "").error().code, Code::kDecode);
  EXPECT_EQ(OpenBlock({}, std::string(kMaxSealedBytes + 1, 'x')).error().code, Code::kDecode);
}

}  // namespace
}  // namespace trellis::plugins::flist
