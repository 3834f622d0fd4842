// Reads the vector files of tests/golden/vectors.
#pragma once

#include <boost/json.hpp>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace trellis::golden {

/// The file's JSON value. Throws when it cannot be read: the test fails with the name.
inline boost::json::object ReadVectors(std::string const& name) {
  std::string const path = std::string(TRELLIS_TEST_DATA "/golden/vectors/") + name;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read vectors '" + name + "'");
  std::string text(std::filesystem::file_size(path), '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  return boost::json::parse(text).as_object();
}

/// A text member; empty when absent or null.
inline std::string Text(boost::json::value const& row, std::string_view key) {
  auto const* value = row.as_object().if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

}  // namespace trellis::golden
