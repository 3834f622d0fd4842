// Numbers and texts, packed one after the other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace trellis::store {

/// Reads from front to back. What is not there reads as nothing, and the reader is not sound any
/// more. Borrows its bytes.
class PackedReader {
 public:
  explicit PackedReader(std::string_view bytes) : rest_(bytes) {}
  std::uint64_t Number();
  std::uint32_t Small();
  std::int64_t Signed();
  std::string_view Text();
  [[nodiscard]] bool sound() const { return sound_; }
  [[nodiscard]] bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool sound_ = true;
};

/// A number is its groups of seven bits, the lowest first; a signed one has its sign in the lowest
/// bit; a text follows its length.
class PackedWriter {
 public:
  /// `first`: the format.
  explicit PackedWriter(char first) : bytes_(1, first) {}
  void Reserve(std::size_t size) { bytes_.reserve(size); }
  void Number(std::uint64_t value);
  void Signed(std::int64_t value);
  void Text(std::string_view text);
  [[nodiscard]] std::string Take() && { return std::move(bytes_); }

 private:
  std::string bytes_;
};

}  // namespace trellis::store
