#include "kernel/node/key_file.hpp"

#include "kernel/crypto/derivation.hpp"
#include "kernel/sys/files.hpp"

#include <trellis/json.hpp>

#include <sys/stat.h>

namespace trellis::node {
namespace {

struct KeyText {
  std::uint32_t twin = 0;
  std::string type = "ed25519";
  std::string seed;
  std::string mnemonic;
};
BOOST_DESCRIBE_STRUCT(KeyText, (), (twin, type, seed, mnemonic))

}  // namespace

Result<NodeKey> LoadKey(std::filesystem::path const& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0)
    return Fail(Code::kNotFound, "the key file '{}' does not exist", file.string());
  if ((info.st_mode & 077U) != 0) {
    return Fail(Code::kDenied, "the key file '{}' may be read by others: run chmod 600 on it",
                file.string());
  }
  TRELLIS_TRY(auto const text, sys::ReadFile(file));
  auto const key = json::Parse<KeyText>(text);
  if (!key || key->twin == 0)
    return Fail(Code::kDecode, "the key file '{}' is not a key file of a twin", file.string());
  auto const type = key->type == "sr25519" ? crypto::KeyType::kSr25519 : crypto::KeyType::kEd25519;
  auto const seed = crypto::SeedFromSecret(type, key->seed.empty() ? key->mnemonic : key->seed);
  if (!seed)
    return Fail(Code::kDecode, "the key file '{}' holds no usable secret: {}", file.string(),
                seed.error().message);
  return NodeKey{key->twin, crypto::Signer::FromSeed(type, seed->view()), *seed};
}

}  // namespace trellis::node
