// The part of GraphQL that grid clients write: one query, fields with arguments, variables.
#pragma once

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace trellis::ledger::facade {

struct GqlField {
  std::string alias{};  ///< what the answer calls it
  std::string name{};
  boost::json::object arguments{};  ///< variables are filled in; enumerators are strings
  std::vector<GqlField> fields{};   ///< empty: a plain value
};

inline constexpr int kMaxGqlDepth = 12;
inline constexpr std::size_t kMaxGqlFields = 512;

/// The fields that the first query of a document selects. kDecode says what is wrong and where.
Result<std::vector<GqlField>> ParseGraphql(std::string_view document, json::Value const& variables);

}  // namespace trellis::ledger::facade
