// Text that comes out of plugins: limits, repair, status rules of the plugin ABI.
#pragma once

#include <trellis/abi.h>
#include <trellis/host.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace trellis::plugin {

inline constexpr std::size_t kMaxErrorBytes = 4096;
inline constexpr std::size_t kMaxOutputBytes = std::size_t{16} << 20U;
inline constexpr std::size_t kMaxHandleBytes = std::size_t{64} << 10U;
inline constexpr std::size_t kMaxNameBytes = 255;
inline constexpr std::size_t kMaxCallFds = 8;
inline constexpr std::size_t kMaxLogBytes = 8192;

/// Valid UTF-8 without NUL of at most `limit` bytes: what is not becomes U+FFFD, the rest is cut at
/// a character.
[[nodiscard]] std::string RepairText(std::string_view text, std::size_t limit);

/// The status as the engine may see it: unknown negative ones and those a plugin must not return
/// are TRL_FAULT, unknown positive ones TRL_OK.
[[nodiscard]] trl_status NormalizeStatus(trl_status status);
/// True for a positive status outside the ABI, which counts as success but deserves a warning.
[[nodiscard]] bool IsUnknownSuccess(trl_status status);

/// The status as an error code; only for a normalised status below 0.
[[nodiscard]] inline Code ToCode(trl_status status) {
  return static_cast<Code>(status);
}

/// An `err` output: keeps the first kMaxErrorBytes, drops the rest without complaint.
class ErrorSink {
 public:
  [[nodiscard]] trl_sink sink() { return {this, &Write}; }
  /// Repaired.
  [[nodiscard]] std::string text() const { return RepairText(text_, kMaxErrorBytes); }

 private:
  static trl_status Write(void* ctx, trl_bytes chunk) noexcept;
  std::string text_;
};

/// Any other output: refuses everything from the chunk on that would pass the limit.
class OutputSink {
 public:
  explicit OutputSink(std::size_t limit = kMaxOutputBytes) : limit_(limit) {}
  [[nodiscard]] trl_sink sink() { return {this, &Write}; }
  [[nodiscard]] bool overflown() const { return overflown_; }
  [[nodiscard]] std::string Take() { return std::move(text_); }

 private:
  static trl_status Write(void* ctx, trl_bytes chunk) noexcept;
  std::string text_;
  std::size_t limit_;
  bool overflown_ = false;
};

/// True when `text` is one JSON value.
[[nodiscard]] bool IsJson(std::string_view text);

}  // namespace trellis::plugin
