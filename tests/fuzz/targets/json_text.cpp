// JSON text is accepted where another parser accepts it, and means the same.
#include "tests/fuzz/target.hpp"

#include <trellis/json.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>

namespace trellis::fuzz::json_text {

void Run(std::string_view input);

namespace {

using json::Value;

// The same text for another, independent parser.
std::optional<Value> OtherTree(std::string_view input) {
  boost::json::parse_options options;
  options.max_depth = json::kMaxDepth;
  boost::json::error_code error;
  auto tree = boost::json::parse({input.data(), input.size()}, error, {}, options);
  if (error) return std::nullopt;
  return tree;
}

// Both parsers round, but not alike, and the other one makes "0e8408" of 0 times infinity.
bool Same(Value const& a, Value const& b) {
  if (a.is_double() && b.is_double()) {
    constexpr double kTolerance = 1e-13;
    auto const x = a.get_double();
    auto const y = b.get_double();
    if (x == 0.0 && std::isnan(y)) return true;
    return std::abs(x - y) <= kTolerance * std::max(std::abs(x), 1e-300);
  }
  if (a.kind() != b.kind()) return false;
  if (a.is_array()) return std::ranges::equal(a.get_array(), b.get_array(), Same);
  if (!a.is_object()) return a == b;
  return a.get_object().size() == b.get_object().size() &&
         std::ranges::all_of(a.get_object(), [&b](auto const& member) {
           auto const* const other = b.get_object().if_contains(member.key());
           return other != nullptr && Same(member.value(), *other);
         });
}

}  // namespace

void Run(std::string_view input) {
  auto const tree = json::ParseValue(input);
  auto const checked = json::Check(input);
  Require(tree.has_value() == checked.has_value(), "a text that passes can be read");
  if (!tree) {
    bool const large = tree.error().message.find("too large a number") != std::string::npos;
    Require(large || !OtherTree(input), "what is refused is no JSON");
    return;
  }
  // The other parser has limits of its own for exponents.
  auto const other = OtherTree(input);
  Require(other.has_value() || input.find_first_of("eE") != std::string_view::npos,
          "what passes is JSON");
  Require(!other || Same(*tree, *other), "both parsers see the same value");
  auto const written = json::ParseValue(json::Dump(*tree));
  Require(written && Same(*written, *tree), "a written tree can be read");
  auto const members = json::Parse<std::map<std::string, Value>>(input);
  Require(members.has_value() == (tree->is_object() || tree->is_null()),
          "an object can be read as a map, and so can null");
  if (tree->is_string()) {
    auto const text = json::Parse<std::string>(input).value();
    Require(json::Parse<std::string>(json::Dump(text)).value() == text, "texts come back");
  }
}

}  // namespace trellis::fuzz::json_text
