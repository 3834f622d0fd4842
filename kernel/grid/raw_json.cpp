#include "kernel/grid/raw_json.hpp"

#include <algorithm>

namespace trellis::grid {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

// Characters of the string literal at the start of `text`, both quotes included.
std::size_t StringLength(std::string_view text) {
  std::size_t i = 1;
  while (i < text.size() && text[i] != '"')
    i += text[i] == '\\' ? 2 : 1;
  return std::min(i + 1, text.size());
}

std::size_t ContainerLength(std::string_view text) {
  std::size_t depth = 0;
  std::size_t i = 0;
  while (i < text.size()) {
    char const c = text[i];
    if (c == '"') {
      i += StringLength(text.substr(i));
      continue;
    }
    ++i;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) break;
  }
  return i;
}

std::size_t ValueLength(std::string_view text) {
  if (text.empty()) return 0;
  if (text.front() == '"') return StringLength(text);
  if (text.front() == '{' || text.front() == '[') return ContainerLength(text);
  return std::min(text.find_first_of(" \t\r\n,}]"), text.size());
}

std::string Unescape(std::string_view literal) {
  if (literal.find('\\') == std::string_view::npos)
    return std::string(literal.substr(1, literal.size() - 2));
  auto const value = json::ParseValue(literal);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

void SkipSpace(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
}

}  // namespace

Result<void> RawJson::FromJson(RawJson& out, json::Value const& value) {
  out.text = value.is_null() ? std::string() : boost::json::serialize(value);
  return {};
}

json::Value RawJson::ToJson() const {
  auto value = json::ParseValue(OrNull());
  return value ? *std::move(value) : json::Value(nullptr);
}

std::string_view TrimJson(std::string_view text) {
  SkipSpace(text);
  auto const last = text.find_last_not_of(kSpace);
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

bool RawCursor::AtEnd() {
  SkipSpace(rest_);
  if (!rest_.empty() && rest_.front() == ',') {
    rest_.remove_prefix(1);
    SkipSpace(rest_);
  }
  return rest_.empty() || rest_.front() == '}' || rest_.front() == ']';
}

std::string_view RawCursor::TakeValue() {
  auto const value = rest_.substr(0, ValueLength(rest_));
  rest_.remove_prefix(value.size());
  return value;
}

bool RawCursor::NextMember(std::string& key, std::string_view& value) {
  if (AtEnd()) return false;
  key = Unescape(TakeValue());
  SkipSpace(rest_);
  if (!rest_.empty()) rest_.remove_prefix(1);  // the colon
  SkipSpace(rest_);
  value = TakeValue();
  return true;
}

bool RawCursor::NextElement(std::string_view& value) {
  if (AtEnd()) return false;
  value = TakeValue();
  return true;
}

}  // namespace trellis::grid
