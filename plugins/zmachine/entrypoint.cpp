#include "plugins/zmachine/entrypoint.hpp"

#include <cstddef>

namespace trellis::plugins::zmachine {
namespace {

bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// Reads words from the front of its text; `ok` turns false at an unterminated quote.
class Splitter {
 public:
  explicit Splitter(std::string_view text) : rest_(text) {}

  /// Skips blanks and comments; false at the end of the text.
  bool FindWord() {
    while (!rest_.empty()) {
      if (IsBlank(rest_.front())) {
        rest_.remove_prefix(1);
      } else if (rest_.front() == '#') {
        auto const end = rest_.find('\n');
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end);
      } else {
        return true;
      }
    }
    return false;
  }

  /// The word that begins here; false for an unterminated quote or escape.
  bool ReadWord(std::string& word) {
    while (!rest_.empty() && !IsBlank(rest_.front())) {
      char const c = Take();
      if (c == '\'') {
        if (!ReadLiteral(word)) return false;
      } else if (c == '"') {
        if (!ReadQuoted(word)) return false;
      } else if (c == '\\') {
        if (rest_.empty()) return false;
        word += Take();
      } else {
        word += c;
      }
    }
    return true;
  }

 private:
  char Take() {
    char const c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  bool ReadLiteral(std::string& word) {
    auto const end = rest_.find('\'');
    if (end == std::string_view::npos) return false;
    word += rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return true;
  }

  bool ReadQuoted(std::string& word) {
    while (!rest_.empty()) {
      char c = Take();
      if (c == '"') return true;
      if (c == '\\') {
        if (rest_.empty()) return false;
        c = Take();
      }
      word += c;
    }
    return false;
  }

  std::string_view rest_;
};

}  // namespace

Result<std::vector<std::string>> SplitEntrypoint(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return Fail(Code::kInvalid, "invalid entrypoint");
  std::vector<std::string> words;
  Splitter splitter(text);
  while (splitter.FindWord()) {
    std::string word;
    if (!splitter.ReadWord(word)) return Fail(Code::kInvalid, "invalid entrypoint");
    words.push_back(std::move(word));
  }
  return words;
}

std::string QuoteForShell(std::string_view text) {
  std::string out = "'";
  for (char const c : text) {
    if (c == '\'') {
      out += R"('"'"')";
    } else {
      out += c;
    }
  }
  return out + "'";
}

}  // namespace trellis::plugins::zmachine
