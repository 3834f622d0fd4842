// The two things a proto3 message is made of: reading fields in order, and writing them.
#pragma once

#include <trellis/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace trellis::rmb::wire {

enum Type : std::uint8_t {
  kVarint = 0,
  kFixed64 = 1,
  kLength = 2,
  kGroupStart = 3,
  kGroupEnd = 4,
  kFixed32 = 5
};

/// One field. Borrows from the bytes that are read.
struct Field {
  std::uint64_t number = 0;
  std::uint64_t type = 0;
  std::uint64_t varint = 0;
  std::string_view bytes;
};

/// kDecode `malformed envelope: <what>`.
tl::unexpected<Error> Malformed(std::string_view what);

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  [[nodiscard]] bool AtEnd() const { return rest_.empty(); }
  /// A group comes as one field without content. kDecode: truncated, a length beyond the end, a
  /// number of more than 64 bits.
  Result<Field> Next();

 private:
  Result<std::uint64_t> Varint();
  Result<std::string_view> Take(std::uint64_t size);
  Result<void> SkipGroup(std::uint64_t number);

  std::string_view rest_;
};

class Writer {
 public:
  /// `expected`: about how many bytes there will be.
  explicit Writer(std::size_t expected = 0) { out_.reserve(expected); }
  /// Nothing when 0, as proto3 wants it.
  void Number(std::uint64_t field, std::uint64_t value);
  void Bytes(std::uint64_t field, std::string_view bytes);
  void NonEmpty(std::uint64_t field, std::string_view bytes) {
    if (!bytes.empty()) Bytes(field, bytes);
  }
  void Optional(std::uint64_t field, std::optional<std::string> const& bytes) {
    if (bytes.has_value()) Bytes(field, *bytes);
  }
  [[nodiscard]] std::string Take() { return std::move(out_); }

 private:
  void Varint(std::uint64_t value);

  std::string out_;
};

[[nodiscard]] bool IsUtf8(std::string_view text);
/// The text of a length-delimited field. kDecode: another type, or not UTF-8.
Result<std::string_view> Text(Field const& field);

}  // namespace trellis::rmb::wire
