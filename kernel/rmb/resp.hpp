// RESP2, the wire of Redis: values as they come in, requests and answers as bytes. No I/O.
#pragma once

#include <trellis/result.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::rmb {

struct RespValue {
  enum class Type : std::uint8_t { kSimple, kError, kInteger, kBulk, kNull, kArray };
  Type type = Type::kNull;
  std::string text;  ///< of kSimple, kError, kBulk
  std::int64_t integer = 0;
  std::vector<RespValue> items;  ///< of kArray

  [[nodiscard]] bool is_error() const { return type == Type::kError; }
  [[nodiscard]] bool is_null() const { return type == Type::kNull; }
};

struct RespLimits {
  std::size_t bytes = std::size_t{32} << 20U;  ///< of one value
  std::size_t items = 65536;                   ///< of one value, in all its arrays
  std::size_t depth = 8;
};

/// Puts values together. Not thread-safe.
class RespReader {
 public:
  explicit RespReader(RespLimits const& limits = {}) : limits_(limits) {}

  void Add(std::string_view bytes) { buffer_ += bytes; }
  /// The next whole value, nothing when there is none yet. kDecode: not RESP, or beyond a limit;
  /// the connection is of no use any more.
  Result<std::optional<RespValue>> Next();
  /// The next command of a client: an array of texts, or one line of words. Empty: a blank line.
  Result<std::optional<std::vector<std::string>>> NextCommand();
  [[nodiscard]] std::size_t held_bytes() const { return buffer_.capacity(); }

 private:
  struct Cursor;
  enum class Step : std::uint8_t { kDone, kMore };
  Result<Step> Parse(Cursor& cursor, RespValue& out, std::size_t depth);
  Result<Step> ParseBulk(Cursor& cursor, RespValue& out, std::int64_t size);
  Result<Step> ParseArray(Cursor& cursor, RespValue& out, std::int64_t size, std::size_t depth);
  Result<std::optional<std::string_view>> Line(Cursor& cursor) const;
  void Consume(std::size_t bytes);

  RespLimits limits_;
  std::string buffer_;
  std::size_t need_ = 0;  // bytes that must be there before another look is worth it
};

[[nodiscard]] std::string RespSimple(std::string_view text);
[[nodiscard]] std::string RespError(std::string_view text);
[[nodiscard]] std::string RespInteger(std::int64_t number);
[[nodiscard]] std::string RespBulk(std::string_view text);
[[nodiscard]] std::string RespNull();
[[nodiscard]] std::string RespNullArray();
/// A command, also an answer that is a list of texts.
[[nodiscard]] std::string RespArray(std::span<std::string const> texts);

}  // namespace trellis::rmb
