#include "plugins/flist/tool/http_request.hpp"

#include <algorithm>
#include <charconv>

namespace trellis::plugins::flist {

namespace {

std::string_view NextLine(std::string_view& text) {
  auto const end = text.find("\r\n");
  auto const line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
  return line;
}

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
bool SameWord(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, &Lower, &Lower);
}

std::string_view Trimmed(std::string_view text) {
  auto const begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

template <class Number>
bool ParseNumber(std::string_view digits, int base, Number& number) {
  auto const* const end = digits.data() + digits.size();
  auto const parsed = std::from_chars(digits.data(), end, number, base);
  return !digits.empty() && parsed.ec == std::errc() && parsed.ptr == end;
}

Result<std::string> Decoded(std::string_view text) {
  constexpr int kHex = 16;
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned char byte = 0;
    if (!ParseNumber(text.substr(i + 1, std::min<std::size_t>(2, text.size() - i - 1)), kHex,
                     byte) ||
        i + 2 >= text.size() || byte == 0)
      return Fail(Code::kInvalid, "bad path");
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

}  // namespace

Result<FileRequest> ParseFileRequest(std::string_view head) {
  auto const line = NextLine(head);
  auto const first = line.find(' ');
  auto const last = line.rfind(' ');
  if (first == std::string_view::npos || first == last ||
      !line.substr(last + 1).starts_with("HTTP/1."))
    return Fail(Code::kInvalid, "bad request line");
  FileRequest request;
  auto const method = line.substr(0, first);
  request.head = method == "HEAD";
  if (!request.head && method != "GET") return Fail(Code::kUnsupported, "only GET and HEAD");
  auto path = line.substr(first + 1, last - first - 1);
  path = path.substr(0, path.find_first_of("?#"));
  if (!path.starts_with('/')) return Fail(Code::kInvalid, "bad path");
  TRELLIS_TRY(request.path, Decoded(path.substr(1)));
  request.keep_alive = line.ends_with("1.1");
  while (!head.empty()) {
    auto const field = NextLine(head);
    auto const colon = field.find(':');
    if (colon == std::string_view::npos) continue;
    auto const name = field.substr(0, colon);
    auto const value = Trimmed(field.substr(colon + 1));
    if (SameWord(name, "range")) request.range = value;
    if (SameWord(name, "if-none-match")) request.if_none_match = value;
    if (SameWord(name, "connection") && SameWord(value, "close")) request.keep_alive = false;
  }
  return request;
}

Result<std::optional<ByteRange>> ParseRange(std::string_view header, std::uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  constexpr int kDecimal = 10;
  auto const all = std::optional<ByteRange>();
  auto const dash = header.find('-');
  bool const one = header.starts_with(kUnit) && dash != std::string_view::npos &&
                   header.find(',') == std::string_view::npos;
  if (!one) return all;
  auto const from = header.substr(kUnit.size(), dash - kUnit.size());
  auto const to = header.substr(dash + 1);
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  if (from.empty()) {  // the last bytes
    if (!ParseNumber(to, kDecimal, last)) return all;
    auto const count = std::min(last, size);
    if (count == 0) return Fail(Code::kInvalid, "no such range");
    return std::optional<ByteRange>({size - count, count});
  }
  if (!ParseNumber(from, kDecimal, first)) return all;
  if (!to.empty() && (!ParseNumber(to, kDecimal, last) || last < first)) return all;
  if (first >= size) return Fail(Code::kInvalid, "no such range");
  auto const end = to.empty() ? size : std::min(last, size - 1) + 1;
  return std::optional<ByteRange>({first, end - first});
}

}  // namespace trellis::plugins::flist
