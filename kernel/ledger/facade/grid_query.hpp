// Answers to GraphQL queries about the grid, out of the embedded ledger.
#pragma once

#include "kernel/ledger/embedded/embedded_ledger.hpp"
#include "kernel/ledger/facade/graphql.hpp"

namespace trellis::ledger::facade {

/// The `data` of the answer. kInvalid: a field, or a condition, that there is not.
Result<boost::json::object> AnswerQuery(EmbeddedLedger& ledger,
                                        std::vector<GqlField> const& fields);

}  // namespace trellis::ledger::facade
