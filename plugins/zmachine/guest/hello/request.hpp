// The part of HTTP that trellis-hello understands.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace trellis::hello {

struct Request {
  std::string method;
  std::string path;          // without query
  std::uint64_t length = 0;  // of the body
  bool expects_continue = false;
  std::string rest;  // what came after the head
};

/// Reads a head that ends with an empty line; nothing for anything malformed.
std::optional<Request> ParseRequest(std::string_view text);

/// A JSON string with quotes; bytes that are not ASCII are kept.
std::string JsonText(std::string_view text);

}  // namespace trellis::hello
