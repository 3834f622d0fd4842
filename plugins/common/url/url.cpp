#include "plugins/common/url/url.hpp"

#include <algorithm>

namespace trellis::plugins {
namespace {

constexpr std::string_view kHostPunctuation = "-_.~!$&'()*+,;=:[]<>\"%";
constexpr std::string_view kUserPunctuation = "-._:~!$&'()*+,;=%@";

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool IsHex(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool IsControl(char c) {
  auto const byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}
bool IsAscii(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}

bool HasGoodEscapes(std::string_view text) {
  for (std::size_t i = text.find('%'); i != std::string_view::npos; i = text.find('%', i + 1)) {
    if (i + 2 >= text.size() || !IsHex(text[i + 1]) || !IsHex(text[i + 2])) return false;
  }
  return true;
}

// Takes what follows the first `mark`; empty when there is none.
std::string_view CutTail(std::string_view& text, char mark) {
  auto const at = text.find(mark);
  if (at == std::string_view::npos) return {};
  auto const tail = text.substr(at + 1);
  text = text.substr(0, at);
  return tail;
}

// Takes a scheme with its colon. False for a colon with nothing before it.
bool TakeScheme(std::string_view& rest, std::string& scheme) {
  for (std::size_t i = 0; i < rest.size(); ++i) {
    char const c = rest[i];
    if (c == ':') {
      if (i == 0) return false;
      scheme.assign(rest.substr(0, i));
      std::ranges::transform(scheme, scheme.begin(), [](char letter) {
        return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
      });
      rest.remove_prefix(i + 1);
      return true;
    }
    bool const inner = IsDigit(c) || c == '+' || c == '-' || c == '.';
    if (!IsLetter(c) && (i == 0 || !inner)) return true;
  }
  return true;
}

// `text` is what follows the host: nothing, or a colon and maybe digits.
bool TakePort(std::string_view text, std::string& port) {
  if (text.empty()) return true;
  if (text.front() != ':' || !std::ranges::all_of(text.substr(1), IsDigit)) return false;
  port.assign(text.substr(1));
  return true;
}

// An escape in a host stands for a byte beyond ASCII, or for the '%' of an IPv6 zone.
bool HasGoodHostEscapes(std::string_view host) {
  if (!HasGoodEscapes(host)) return false;
  for (std::size_t i = host.find('%'); i != std::string_view::npos; i = host.find('%', i + 1)) {
    if (host[i + 1] < '8' && host.substr(i, 3) != "%25") return false;
  }
  return true;
}

bool IsHost(std::string_view host) {
  return HasGoodHostEscapes(host) && std::ranges::all_of(host, [](char c) {
           return IsLetter(c) || IsDigit(c) || !IsAscii(c) ||
                  kHostPunctuation.find(c) != std::string_view::npos;
         });
}

bool IsUserinfo(std::string_view text) {
  return HasGoodEscapes(text) && std::ranges::all_of(text, [](char c) {
           return IsLetter(c) || IsDigit(c) || kUserPunctuation.find(c) != std::string_view::npos;
         });
}

bool TakeAuthority(std::string_view authority, Url& url) {
  url.has_authority = true;
  if (auto const at = authority.rfind('@'); at != std::string_view::npos) {
    url.userinfo.assign(authority.substr(0, at));
    authority.remove_prefix(at + 1);
    if (!IsUserinfo(url.userinfo)) return false;
  }
  std::size_t end = authority.size();
  if (authority.starts_with('[')) {
    auto const bracket = authority.rfind(']');
    if (bracket == std::string_view::npos) return false;
    end = bracket + 1;
  } else if (auto const colon = authority.rfind(':'); colon != std::string_view::npos) {
    end = colon;
  }
  url.host.assign(authority.substr(0, end));
  return TakePort(authority.substr(end), url.port) && IsHost(url.host);
}

}  // namespace

Result<Url> ParseUrl(std::string_view text) {
  auto const bad = [](std::string_view why) { return Fail(Code::kDecode, "invalid url: {}", why); };
  if (std::ranges::any_of(text, IsControl)) return bad("control character");
  Url url;
  auto rest = text;
  url.fragment = CutTail(rest, '#');
  if (!HasGoodEscapes(url.fragment)) return bad("incomplete escape in the fragment");
  if (!TakeScheme(rest, url.scheme)) return bad("missing scheme");
  url.query = CutTail(rest, '?');
  if (!rest.starts_with('/')) {
    url.path = rest;
    if (!url.scheme.empty()) return url;  // scheme:opaque
    if (rest.substr(0, rest.find('/')).find(':') != std::string_view::npos)
      return bad("first path segment with a colon");
  } else {
    if (rest.starts_with("//") && (!url.scheme.empty() || !rest.starts_with("///"))) {
      auto const slash = rest.find('/', 2);
      if (!TakeAuthority(rest.substr(2, slash == std::string_view::npos ? slash : slash - 2), url))
        return bad("malformed host");
      rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
    }
    url.path = rest;
  }
  if (!HasGoodEscapes(url.path)) return bad("incomplete escape in the path");
  return url;
}

std::string_view BareHost(Url const& url) {
  std::string_view const host = url.host;
  bool const bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  return bracketed ? host.substr(1, host.size() - 2) : host;
}

}  // namespace trellis::plugins
