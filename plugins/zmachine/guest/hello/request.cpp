#include "plugins/zmachine/guest/hello/request.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <cstdio>

namespace trellis::hello {
namespace {

bool EqualFolded(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(a[i])) !=
        std::tolower(static_cast<unsigned char>(b[i]))) {
      return false;
    }
  }
  return true;
}

bool ReadHeader(std::string_view line, Request& request) {
  auto const colon = line.find(':');
  if (colon == std::string_view::npos) return false;
  auto const name = line.substr(0, colon);
  auto value = line.substr(colon + 1);
  while (value.starts_with(' '))
    value.remove_prefix(1);
  if (EqualFolded(name, "content-length")) {
    auto const* const end = value.data() + value.size();
    auto const read = std::from_chars(value.data(), end, request.length);
    return read.ec == std::errc{} && read.ptr == end;
  }
  if (EqualFolded(name, "expect")) request.expects_continue = EqualFolded(value, "100-continue");
  return true;
}

}  // namespace

std::optional<Request> ParseRequest(std::string_view text) {
  auto const end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  auto head = text.substr(0, end + 2);
  Request request;
  request.rest = text.substr(end + 4);
  auto const line = head.substr(0, head.find("\r\n"));
  auto const first = line.find(' ');
  auto const second = line.find(' ', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
  request.method = line.substr(0, first);
  request.path = line.substr(first + 1, second - first - 1);
  request.path.resize(std::min(request.path.find('?'), request.path.size()));
  head.remove_prefix(line.size() + 2);
  while (!head.empty()) {
    auto const size = head.find("\r\n");
    if (!ReadHeader(head.substr(0, size), request)) return std::nullopt;
    head.remove_prefix(size + 2);
  }
  return request;
}

std::string JsonText(std::string_view text) {
  std::string out = "\"";
  for (char const c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
      out += escape.data();
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace trellis::hello
