// What an extrinsic's call does to the ledger.
#pragma once

#include "kernel/ledger/embedded/txn.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <functional>
#include <string>
#include <vector>

namespace trellis::ledger::facade {

/// The clients put at most 400 calls into one batch.
inline constexpr std::size_t kMaxCalls = 500;

/// One call, ready to run inside a write. Its refusals have the chain's names.
struct Action {
  std::string pallet{};
  std::function<Result<void>(embedded::Txn&)> apply{};
};

enum class Batch : std::uint8_t {
  kNone,
  kStopAtFailure,  ///< what was done before the first failure stays
  kAllOrNothing,
};

struct Dispatch {
  Batch batch = Batch::kNone;
  std::vector<Action> actions{};
};

/// `call` is a value of the runtime's call type. kInvalid: a call that this ledger does not have.
Result<Dispatch> ReadCall(json::Value const& call, Account const& signer);

}  // namespace trellis::ledger::facade
