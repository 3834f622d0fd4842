#include "kernel/rmb/frontend/messages.hpp"

#include <sodium.h>

namespace trellis::rmb::lists {

std::string ToBase64(std::string_view bytes) {
  constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL;
  std::string out(sodium_base64_ENCODED_LEN(bytes.size(), kVariant), '\0');
  ::sodium_bin2base64(out.data(), out.size(), reinterpret_cast<unsigned char const*>(bytes.data()),
                      bytes.size(), kVariant);
  out.pop_back();  // the terminating zero
  return out;
}

Result<std::string> FromBase64(std::string_view text) {
  while (text.ends_with('='))
    text.remove_suffix(1);
  std::string out(text.size(), '\0');
  std::size_t size = 0;
  int const failed = ::sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(),
                                         text.data(), text.size(), nullptr, &size, nullptr,
                                         sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
  if (failed != 0) return Fail(Code::kDecode, "not base64");
  out.resize(size);
  return out;
}

}  // namespace trellis::rmb::lists
