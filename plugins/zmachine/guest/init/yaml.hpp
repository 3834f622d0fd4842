// A reader for the YAML subset that the node writes: block maps and lists, one-line flow lists,
// plain and double-quoted scalars, comments on lines of their own.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trellis::guest {

/// One value: at most one of the three parts is filled.
struct YamlNode {
  std::string scalar;
  std::vector<std::pair<std::string, YamlNode>> map;
  std::vector<YamlNode> list;

  /// The value at `key`; an empty node when there is none.
  [[nodiscard]] YamlNode const& At(std::string_view key) const;
  /// The scalars of the list.
  [[nodiscard]] std::vector<std::string> Scalars() const;
};

/// Never fails: what it does not understand is left out. Nesting is limited to 16 levels.
YamlNode ParseYaml(std::string_view text);

}  // namespace trellis::guest
