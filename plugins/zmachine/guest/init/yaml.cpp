#include "plugins/zmachine/guest/init/yaml.hpp"

#include <algorithm>
#include <cstddef>

namespace trellis::guest {
namespace {

constexpr int kMaxDepth = 16;

struct Line {
  std::size_t indent = 0;
  std::string_view text;  // without indent, not empty, no comment
};

std::string_view Trim(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t\r") + 1);
}

std::vector<Line> SplitLines(std::string_view text) {
  std::vector<Line> lines;
  while (!text.empty()) {
    auto const end = std::min(text.find('\n'), text.size());
    auto const line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    auto const content = Trim(line);
    if (content.empty() || content.front() == '#') continue;
    lines.push_back({line.find_first_not_of(' '), content});
  }
  return lines;
}

unsigned HexDigit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  return 0;
}

/// Takes one double-quoted scalar from the front of `text`, which begins with the quote.
std::string TakeQuoted(std::string_view& text) {
  std::string out;
  std::size_t at = 1;
  for (; at < text.size() && text[at] != '"'; ++at) {
    bool const escaped = text[at] == '\\' && at + 1 < text.size();
    if (escaped) ++at;
    if (escaped && text[at] == 'x' && at + 2 < text.size()) {
      out += static_cast<char>(HexDigit(text[at + 1]) * 16 + HexDigit(text[at + 2]));
      at += 2;
    } else {
      out += text[at];
    }
  }
  text.remove_prefix(std::min(at + 1, text.size()));
  return out;
}

std::string TakeScalar(std::string_view& text, std::string_view stops) {
  text = Trim(text);
  if (!text.empty() && text.front() == '"') return TakeQuoted(text);
  auto const end = std::min(text.find_first_of(stops), text.size());
  std::string out(Trim(text.substr(0, end)));
  text.remove_prefix(end);
  return out;
}

/// A scalar, or a flow list of scalars.
YamlNode Inline(std::string_view text) {
  YamlNode node;
  if (text.empty() || text == "{}") return node;
  if (text.front() != '[') {
    node.scalar = TakeScalar(text, "\n");
    return node;
  }
  text.remove_prefix(1);
  while (!(text = Trim(text)).empty() && text.front() != ']') {
    node.list.push_back({TakeScalar(text, ",]"), {}, {}});
    text = Trim(text);
    if (!text.empty() && text.front() == ',') text.remove_prefix(1);
  }
  return node;
}

/// Recursive descent over lines; a block ends at the first line with a smaller indent.
class Reader {
 public:
  explicit Reader(std::vector<Line> lines) : lines_(std::move(lines)) {}

  YamlNode Block(std::size_t indent, int depth) {
    YamlNode node;
    while (at_ < lines_.size() && lines_[at_].indent >= indent) {
      auto& line = lines_[at_];
      if (depth > kMaxDepth) {
        ++at_;
      } else if (line.text.starts_with("- ") || line.text == "-") {
        if (!node.map.empty()) break;  // "key:" and its list may stand at the same indent
        Item(node, depth);
      } else if (!node.list.empty()) {
        break;
      } else {
        Pair(node, depth);
      }
    }
    return node;
  }

 private:
  void Item(YamlNode& node, int depth) {
    auto& line = lines_[at_];
    auto const rest = Trim(line.text.substr(1));
    if (IsPair(rest)) {
      // "- key: value" opens a map whose keys stand where this key stands.
      line.indent += line.text.size() - rest.size();
      line.text = rest;
      node.list.push_back(Block(line.indent, depth + 1));
      return;
    }
    ++at_;
    node.list.push_back(Inline(rest));
  }

  void Pair(YamlNode& node, int depth) {
    auto const line = lines_[at_++];
    auto rest = line.text;
    auto key = TakeScalar(rest, ":");
    if (rest.empty()) return;
    rest = Trim(rest.substr(1));
    bool const block = rest.empty() && at_ < lines_.size() && OpensBlock(line.indent);
    node.map.emplace_back(std::move(key),
                          block ? Block(lines_[at_].indent, depth + 1) : Inline(rest));
  }

  [[nodiscard]] bool OpensBlock(std::size_t indent) const {
    auto const& next = lines_[at_];
    return next.indent > indent || (next.indent == indent && next.text.starts_with("- "));
  }

  static bool IsPair(std::string_view text) {
    if (text.empty() || text.front() == '"' || text.front() == '[') return false;
    return text.find(": ") != std::string_view::npos || text.back() == ':';
  }

  std::vector<Line> lines_;
  std::size_t at_ = 0;
};

}  // namespace

YamlNode const& YamlNode::At(std::string_view key) const {
  static YamlNode const kNone;
  for (auto const& [name, value] : map) {
    if (name == key) return value;
  }
  return kNone;
}

std::vector<std::string> YamlNode::Scalars() const {
  std::vector<std::string> out;
  for (auto const& item : list)
    out.push_back(item.scalar);
  return out;
}

YamlNode ParseYaml(std::string_view text) {
  return Reader(SplitLines(text)).Block(0, 0);
}

}  // namespace trellis::guest
