// URL syntax as the grid's clients and reference node read it (net/url of the Go library), as far
// as workload data needs it.
#pragma once

#include <trellis/result.hpp>

#include <string>
#include <string_view>

namespace trellis::plugins {

/// The parts of a URL, verbatim: nothing is percent-decoded.
struct Url {
  std::string scheme;  ///< lower case, "" if none
  bool has_authority = false;
  std::string userinfo;  ///< without '@'
  std::string host;      ///< IPv6 with its brackets
  std::string port;      ///< digits without ':', "" if absent or empty
  std::string path;      ///< or the opaque part after `scheme:`
  std::string query;     ///< without '?'
  std::string fragment;  ///< without '#'
};

/// kDecode: control characters, `%` without two hex digits in path or fragment, a bad character in
/// host or userinfo, a port that is not digits, a first path segment with a colon and no legal
/// scheme. Pure.
Result<Url> ParseUrl(std::string_view text);

/// The host without the brackets of an IPv6 literal.
std::string_view BareHost(Url const& url);

}  // namespace trellis::plugins
