#include "kernel/plugin/text.hpp"

#include <trellis/json.hpp>

namespace trellis::plugin {

namespace {

/// Length of the valid UTF-8 character at the start of `text`, 0 when there is none.
std::size_t CharacterLength(std::string_view text) {
  auto const at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char const first = at(0);
  if (first == 0) return 0;
  if (first < 0x80) return 1;
  std::size_t length = 0;
  if (first >= 0xC2 && first <= 0xDF) length = 2;
  if (first >= 0xE0 && first <= 0xEF) length = 3;
  if (first >= 0xF0 && first <= 0xF4) length = 4;
  if (length == 0 || text.size() < length) return 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (first == 0xE0) low = 0xA0;   // overlong
  if (first == 0xED) high = 0x9F;  // surrogates
  if (first == 0xF0) low = 0x90;
  if (first == 0xF4) high = 0x8F;
  if (at(1) < low || at(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (at(i) < 0x80 || at(i) > 0xBF) return 0;
  }
  return length;
}

}  // namespace

std::string RepairText(std::string_view text, std::size_t limit) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string out;
  out.reserve(std::min(text.size(), limit));
  while (!text.empty()) {
    std::size_t const length = CharacterLength(text);
    std::string_view const piece = length == 0 ? kReplacement : text.substr(0, length);
    if (out.size() + piece.size() > limit) break;
    out.append(piece);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

trl_status NormalizeStatus(trl_status status) {
  if (status == TRL_PENDING) return TRL_FAULT;
  if (status > TRL_PENDING) return TRL_OK;
  if (status < TRL_BUSY || status == TRL_CRASHED) return TRL_FAULT;
  return status;
}

bool IsUnknownSuccess(trl_status status) {
  return status > TRL_PENDING;
}

trl_status ErrorSink::Write(void* ctx, trl_bytes chunk) noexcept try {
  auto& self = *static_cast<ErrorSink*>(ctx);
  std::size_t const room = kMaxErrorBytes - self.text_.size();
  self.text_.append(abi::View(chunk).substr(0, room));
  return TRL_OK;
} catch (...) {
  return TRL_FAULT;
}

trl_status OutputSink::Write(void* ctx, trl_bytes chunk) noexcept try {
  auto& self = *static_cast<OutputSink*>(ctx);
  if (self.overflown_ || chunk.size > self.limit_ - self.text_.size()) {
    self.overflown_ = true;
    return TRL_EXHAUSTED;
  }
  self.text_.append(abi::View(chunk));
  return TRL_OK;
} catch (...) {
  return TRL_FAULT;
}

bool IsJson(std::string_view text) {
  return json::Check(text).has_value();
}

}  // namespace trellis::plugin
