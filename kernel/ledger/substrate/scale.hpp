// SCALE, the chain's binary encoding: little endian, no tags, no padding.
#pragma once

#include "kernel/crypto/bytes.hpp"

#include <trellis/result.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace trellis::ledger::substrate {

using crypto::Bytes;
using crypto::BytesView;

/// Appends values. Every function returns the encoder.
class Encoder {
 public:
  Encoder& U8(std::uint8_t value);
  Encoder& U16(std::uint16_t value) { return Little(value, sizeof value); }
  Encoder& U32(std::uint32_t value) { return Little(value, sizeof value); }
  Encoder& U64(std::uint64_t value) { return Little(value, sizeof value); }
  /// A u128 whose upper half is zero.
  Encoder& U128(std::uint64_t value) { return U64(value).U64(0); }
  Encoder& Bool(bool value) { return U8(value ? 1 : 0); }
  Encoder& Compact(std::uint64_t value);
  /// As they are, without a length.
  Encoder& Raw(BytesView bytes);
  /// Length, then the bytes; also for text.
  Encoder& Blob(BytesView bytes);
  Encoder& Text(std::string_view text) { return Blob(crypto::AsBytes(text)); }

  /// 00, or 01 and what `write(encoder, value)` appends.
  template <class T, class Write>
  Encoder& Option(std::optional<T> const& value, Write write) {
    U8(value ? 1 : 0);
    if (value) write(*this, *value);
    return *this;
  }
  /// Count, then each item as `write(encoder, item)` appends it.
  template <class List, class Write>
  Encoder& Sequence(List const& list, Write write) {
    Compact(list.size());
    for (auto const& item : list)
      write(*this, item);
    return *this;
  }

  [[nodiscard]] Bytes const& bytes() const { return bytes_; }
  [[nodiscard]] Bytes Take() { return std::move(bytes_); }

 private:
  Encoder& Little(std::uint64_t value, std::size_t size);
  Bytes bytes_;
};

/// Reads values from borrowed bytes. After the first that does not fit, everything reads as zero or
/// empty and ok() is false: check once at the end.
class Decoder {
 public:
  explicit Decoder(BytesView bytes) : rest_(bytes) {}

  std::uint8_t U8();
  std::uint16_t U16() { return static_cast<std::uint16_t>(Little(sizeof(std::uint16_t))); }
  std::uint32_t U32() { return static_cast<std::uint32_t>(Little(sizeof(std::uint32_t))); }
  std::uint64_t U64() { return Little(sizeof(std::uint64_t)); }
  /// Bytes other than 0 and 1 are an error.
  bool Bool();
  /// Only the shortest form is accepted; values above 64 bits are an error.
  std::uint64_t Compact();
  /// A count of list items, each of at least one byte.
  std::size_t Count(std::size_t limit);
  BytesView Raw(std::size_t size);
  /// Length and bytes, at most `limit`.
  BytesView Blob(std::size_t limit);
  std::string Text(std::size_t limit) { return std::string(crypto::AsText(Blob(limit))); }

  template <std::size_t N>
  std::array<std::uint8_t, N> Array() {
    std::array<std::uint8_t, N> out{};
    auto const raw = Raw(N);
    if (raw.size() == N) std::copy(raw.begin(), raw.end(), out.begin());
    return out;
  }
  /// `read(decoder)` when there is a value.
  template <class Read>
  auto Option(Read read) -> std::optional<decltype(read(*this))> {
    if (!Bool()) return std::nullopt;
    return read(*this);
  }

  void Break() { broken_ = true; }
  [[nodiscard]] bool ok() const { return !broken_; }
  [[nodiscard]] BytesView rest() const { return rest_; }
  /// kDecode naming `what` when something did not fit or bytes are left over.
  [[nodiscard]] Result<void> Finish(std::string_view what) const;

 private:
  std::uint64_t Little(std::size_t size);
  BytesView rest_;
  bool broken_ = false;
};

}  // namespace trellis::ledger::substrate
