#include "plugins/flist/digest.hpp"

#include "plugins/common/posix/files.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <array>
#include <memory>
#include <span>
#include <vector>

namespace trellis::plugins::flist {

namespace {

constexpr std::size_t kBlock = std::size_t{1} << 20;
constexpr std::size_t kBlakeBytes = 32;

std::string Hex(std::span<unsigned char const> bytes) {
  std::string text;
  for (auto const byte : bytes)
    fmt::format_to(std::back_inserter(text), "{:02x}", byte);
  return text;
}

class EvpDigest {
 public:
  explicit EvpDigest(EVP_MD const* kind) : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    ok_ = context_ && EVP_DigestInit_ex(context_.get(), kind, nullptr) == 1;
  }
  void Add(std::span<char const> bytes) {
    ok_ = ok_ && EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
  }
  Result<std::string> Finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    ok_ = ok_ && EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1;
    if (!ok_) return Fail(Code::kInternal, "digest failed");
    return Hex(std::span<unsigned char const>(digest).first(size));
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
  bool ok_ = false;
};

}  // namespace

Result<FileDigests> DigestFile(Call& call, std::string const& path) {
  TRELLIS_TRY(auto const fd, OpenFile(path, O_RDONLY));
  EvpDigest md5(EVP_md5());
  EvpDigest sha256(EVP_sha256());
  crypto_generichash_state blake{};
  crypto_generichash_init(&blake, nullptr, 0, kBlakeBytes);
  std::vector<char> block(kBlock);
  while (true) {
    TRELLIS_CHECK(call.Checkpoint());
    auto const got = ::read(fd.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailErrno("read '{}'", path);
    if (got == 0) break;
    auto const bytes = std::span<char const>(block).first(static_cast<std::size_t>(got));
    md5.Add(bytes);
    sha256.Add(bytes);
    crypto_generichash_update(&blake, reinterpret_cast<unsigned char const*>(bytes.data()),
                              bytes.size());
  }
  std::array<unsigned char, kBlakeBytes> digest{};
  crypto_generichash_final(&blake, digest.data(), digest.size());
  FileDigests out;
  TRELLIS_TRY(out.md5, md5.Finish());
  TRELLIS_TRY(out.sha256, sha256.Finish());
  out.blake2b = Hex(digest);
  return out;
}

std::string DigestText(std::string_view text) {
  std::array<unsigned char, kBlakeBytes> digest{};
  crypto_generichash(digest.data(), digest.size(),
                     reinterpret_cast<unsigned char const*>(text.data()), text.size(), nullptr, 0);
  return Hex(digest);
}

}  // namespace trellis::plugins::flist
