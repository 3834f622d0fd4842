#include "plugins/gateway/certs/file_name.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

namespace trellis::plugins::gateway {

namespace {

constexpr std::size_t kMaxPlainName = 200;

}  // namespace

std::string FileNameOf(std::string const& domain) {
  if (domain.size() <= kMaxPlainName) return domain;
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  EVP_Digest(domain.data(), domain.size(), bytes.data(), &size, EVP_sha256(), nullptr);
  return fmt::format("{:02x}", fmt::join(bytes.begin(), bytes.begin() + size, ""));
}

}  // namespace trellis::plugins::gateway
