// JSON text, read value by value without building a tree. Not for authors; use <trellis/json.hpp>.
//
// Strict RFC 8259: UTF-8 without lone surrogates, no leading zeros, nothing after the value, at
// most kMaxDepth containers inside one another, no number beyond a double's range. The reader
// borrows the text.
#pragma once

#include <trellis/detail/json_literal.hpp>
#include <trellis/result.hpp>

#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace trellis::json {

inline constexpr std::size_t kMaxDepth = 64;
inline constexpr std::size_t kMaxBytes = std::size_t{16} << 20;

namespace detail {

class TextReader {
 public:
  explicit TextReader(std::string_view text) : text_(text) {}

  /// The kind of the next value, by its first character.
  Result<Kind> Peek() {
    SkipSpace();
    if (at_ == text_.size()) return Bad("incomplete");
    switch (char const c = text_[at_]; c) {
      case 'n':
        return Kind::kNull;
      case 't':
      case 'f':
        return Kind::kBool;
      case '"':
        return Kind::kString;
      case '[':
        return Kind::kArray;
      case '{':
        return Kind::kObject;
      default:
        if (c == '-' || IsDigit(c)) return Kind::kNumber;
        return Bad("unexpected character");
    }
  }

  // Each of these takes the next value, which Peek said is of that kind.
  Result<void> Null() { return Word("null"); }
  Result<bool> Bool() {
    bool const is_true = text_[at_] == 't';
    TRELLIS_CHECK(Word(is_true ? "true" : "false"));
    return is_true;
  }
  Result<NumberText> Number() {
    std::size_t const begin = at_;
    if (Is('-')) ++at_;
    if (Is('0')) {
      ++at_;
    } else if (!TakeDigits()) {
      return Bad("incomplete number");
    }
    NumberText number;
    number.integer = true;
    if (Is('.')) {
      ++at_;
      number.integer = false;
      if (!TakeDigits()) return Bad("incomplete number");
    }
    if (Is('e') || Is('E')) {
      ++at_;
      number.integer = false;
      if (Is('+') || Is('-')) ++at_;
      if (!TakeDigits()) return Bad("incomplete number");
    }
    number.text = text_.substr(begin, at_ - begin);
    double ignored = 0;
    bool const surely_fits = number.integer && number.text.size() <= kDigitsOfADouble;
    if (!surely_fits && !ToDouble(number.text, ignored)) return Bad("too large a number");
    return number;
  }
  /// The resolved text: of the input itself, or in `scratch` when it has escapes.
  Result<std::string_view> String(std::string& scratch) {
    std::size_t const begin = ++at_;
    TRELLIS_CHECK(SkipPlain());
    if (text_[at_] == '"') return text_.substr(begin, at_++ - begin);
    scratch.assign(text_.substr(begin, at_ - begin));
    while (text_[at_] != '"') {
      TRELLIS_CHECK(Escape(scratch));
      std::size_t const plain = at_;
      TRELLIS_CHECK(SkipPlain());
      scratch.append(text_.substr(plain, at_ - plain));
    }
    ++at_;
    return std::string_view(scratch);
  }
  /// Calls `member(key)`, which takes the member's value. The key lives during the call.
  template <class Function>
  Result<void> Object(Function&& member) {
    TRELLIS_CHECK(Enter());
    if (TakeEnd('}')) return {};
    std::string scratch;
    while (true) {
      SkipSpace();
      if (!Is('"')) return Bad("expected a key");
      TRELLIS_TRY(auto const key, String(scratch));
      SkipSpace();
      if (!Is(':')) return Bad("expected ':'");
      ++at_;
      TRELLIS_CHECK(member(key));
      TRELLIS_TRY(bool const more, More('}'));
      if (!more) return {};
    }
  }
  /// Calls `element()`, which takes the element.
  template <class Function>
  Result<void> Array(Function&& element) {
    TRELLIS_CHECK(Enter());
    if (TakeEnd(']')) return {};
    while (true) {
      TRELLIS_CHECK(element());
      TRELLIS_TRY(bool const more, More(']'));
      if (!more) return {};
    }
  }
  /// Takes any value.
  Result<void> Skip() {
    TRELLIS_TRY(auto const kind, Peek());
    switch (kind) {
      case Kind::kNull:
        return Null();
      case Kind::kBool:
        TRELLIS_CHECK(Bool());
        return {};
      case Kind::kNumber:
        TRELLIS_CHECK(Number());
        return {};
      case Kind::kString:
        return SkipString();
      case Kind::kArray:
        return Array([this] { return Skip(); });
      case Kind::kObject:
        return Object([this](std::string_view) { return Skip(); });
    }
    return {};
  }
  /// Takes any value; its text without the space around it.
  Result<std::string_view> Raw() {
    SkipSpace();
    std::size_t const begin = at_;
    TRELLIS_CHECK(Skip());
    return text_.substr(begin, at_ - begin);
  }
  /// After the value: only space may follow.
  Result<void> Finish() {
    SkipSpace();
    if (at_ != text_.size()) return Bad("text after the value");
    return {};
  }

 private:
  [[nodiscard]] tl::unexpected<Error> Bad(std::string_view why) const {
    return Fail(Code::kDecode, "invalid json: {} at byte {}", why, at_);
  }
  [[nodiscard]] bool Is(char c) const { return at_ < text_.size() && text_[at_] == c; }
  void SkipSpace() {
    while (at_ < text_.size() && IsSpace(text_[at_]))
      ++at_;
  }
  Result<void> Word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return Bad("unexpected character");
    at_ += word.size();
    return {};
  }
  bool TakeDigits() {
    std::size_t const begin = at_;
    while (at_ < text_.size() && IsDigit(text_[at_]))
      ++at_;
    return at_ != begin;
  }
  Result<void> Enter() {
    if (depth_ == kMaxDepth) return Bad("too many levels");
    ++depth_;
    ++at_;
    return {};
  }
  bool TakeEnd(char close) {
    SkipSpace();
    if (!Is(close)) return false;
    ++at_;
    --depth_;
    return true;
  }
  /// After an element: true at a comma, false at the end, which is taken.
  Result<bool> More(char close) {
    if (TakeEnd(close)) return false;
    if (!Is(',')) return Bad(close == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
    ++at_;
    return true;
  }
  Result<void> SkipString() {
    ++at_;
    TRELLIS_CHECK(SkipPlain());
    std::string ignored;
    while (text_[at_] != '"') {
      TRELLIS_CHECK(Escape(ignored));
      TRELLIS_CHECK(SkipPlain());
    }
    ++at_;
    return {};
  }
  /// Goes to the next quote or backslash of a string.
  Result<void> SkipPlain() {
    while (true) {
      SkipPlainWords();
      if (at_ == text_.size()) return Bad("incomplete string");
      auto const byte = static_cast<unsigned char>(text_[at_]);
      if (byte == '"' || byte == '\\') return {};
      if (byte < 0x20) return Bad("control character");
      if (byte < 0x80) {
        ++at_;
      } else if (std::size_t const size = Utf8Length(byte); size != 0) {
        at_ += size;
      } else {
        return Bad("invalid utf-8");
      }
    }
  }
  /// Goes on over plain ASCII, eight bytes at a time.
  void SkipPlainWords() {
    for (; at_ + 8 <= text_.size(); at_ += 8) {
      auto const word = LoadWord(text_.data() + at_);
      if (auto const stop = (word & kHighBits) | MarkSpecial(word); stop != 0) {
        at_ += static_cast<std::size_t>(std::countr_zero(stop)) / 8;
        return;
      }
    }
  }
  /// Bytes of the well-formed multi-byte character here; 0 when it is none.
  [[nodiscard]] std::size_t Utf8Length(unsigned char lead) const {
    auto const follows = [this](std::size_t i, unsigned char low, unsigned char high) {
      if (at_ + i >= text_.size()) return false;
      auto const byte = static_cast<unsigned char>(text_[at_ + i]);
      return byte >= low && byte <= high;
    };
    auto const tail = [&](std::size_t i) { return follows(i, 0x80, 0xbf); };
    if (lead >= 0xc2 && lead <= 0xdf) return tail(1) ? 2 : 0;
    if (lead == 0xe0) return follows(1, 0xa0, 0xbf) && tail(2) ? 3 : 0;
    if (lead == 0xed) return follows(1, 0x80, 0x9f) && tail(2) ? 3 : 0;
    if (lead >= 0xe1 && lead <= 0xef) return tail(1) && tail(2) ? 3 : 0;
    if (lead == 0xf0) return follows(1, 0x90, 0xbf) && tail(2) && tail(3) ? 4 : 0;
    if (lead == 0xf4) return follows(1, 0x80, 0x8f) && tail(2) && tail(3) ? 4 : 0;
    if (lead >= 0xf1 && lead <= 0xf3) return tail(1) && tail(2) && tail(3) ? 4 : 0;
    return 0;
  }
  /// Takes one escape.
  Result<void> Escape(std::string& out) {
    static constexpr std::string_view kLetters = "\"\\/bfnrt";
    static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (at_ + 1 >= text_.size()) return Bad("incomplete string");
    char const letter = text_[at_ + 1];
    if (letter != 'u') {
      auto const index = kLetters.find(letter);
      if (index == std::string_view::npos) return Bad("unknown escape");
      out.push_back(kMeanings[index]);
      at_ += 2;
      return {};
    }
    TRELLIS_TRY(auto code, HexEscape());
    if (code >= 0xdc00 && code <= 0xdfff) return Bad("lone surrogate");
    if (code >= 0xd800 && code <= 0xdbff) {
      if (text_.substr(at_, 2) != "\\u") return Bad("lone surrogate");
      TRELLIS_TRY(auto const low, HexEscape());
      if (low < 0xdc00 || low > 0xdfff) return Bad("lone surrogate");
      code = 0x10000 + ((code - 0xd800) << 10U) + (low - 0xdc00);
    }
    AppendUtf8(out, code);
    return {};
  }
  /// Takes `\uXXXX`.
  Result<std::uint32_t> HexEscape() {
    auto const digits = text_.substr(at_ + 2, 4);
    std::uint32_t code = 0;
    auto const [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (digits.size() != 4 || error != std::errc() || end != digits.data() + 4)
      return Bad("incomplete escape");
    at_ += 6;
    return code;
  }
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace detail

}  // namespace trellis::json
