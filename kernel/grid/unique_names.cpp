// By themselves: they need OpenSSL, the other names do not.
#include "kernel/crypto/hash.hpp"
#include "kernel/grid/names.hpp"

namespace trellis::grid {
namespace {

std::string ShortHash(std::string_view text) {
  return crypto::Base58(crypto::Md5(crypto::AsBytes(text))).substr(0, kUniqueNameChars);
}

}  // namespace

std::string UniqueName(WorkloadId const& id, std::string_view suffix) {
  return ShortHash(fmt::format("{}:{}", id.ToString(), suffix));
}

std::string NetworkId(std::uint32_t twin, std::string_view network) {
  return ShortHash(fmt::format("{}:{}", twin, network));
}

}  // namespace trellis::grid
