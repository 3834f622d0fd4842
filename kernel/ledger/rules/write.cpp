#include "kernel/ledger/rules/write.hpp"

#include "kernel/crypto/bytes.hpp"
#include "kernel/crypto/hash.hpp"
#include "kernel/ledger/rules/refusal.hpp"

#include <utility>
#include <variant>

namespace trellis::ledger::rules {
namespace {

/// A text that is equal exactly for equal calls.
std::string Describe(std::vector<Call> const& calls) {
  boost::json::array list;
  for (auto const& call : calls) {
    list.push_back(
        {call.index(), std::visit([](auto const& body) { return json::Encode(body); }, call)});
  }
  return crypto::Hex(crypto::Blake2b256(crypto::AsBytes(boost::json::serialize(list))));
}

/// The result of the same request, if it was applied already. RequestIdReused.
Result<std::optional<Ids>> FindApplied(Write& write, std::string const& arguments) {
  auto const& caller = write.caller;
  if (caller.request_id.size() > kMaxRequestId)
    return Refuse("RequestIdTooLong", "request id has more than {} characters", kMaxRequestId);
  TRELLIS_TRY(auto const applied, write.state.FindRequest(caller.twin, caller.request_id));
  if (!applied) return std::nullopt;
  if (applied->arguments != arguments)
    return Refuse("RequestIdReused", "request '{}' had other arguments", caller.request_id);
  return applied->ids;
}

/// Runs `work` unless the request was applied before.
template <class Work>
Result<Ids> Once(Write& write, std::vector<Call> const& calls, Work const& work) {
  if (write.caller.request_id.empty()) return work();
  auto arguments = Describe(calls);
  TRELLIS_TRY(auto const applied, FindApplied(write, arguments));
  if (applied) return *applied;
  TRELLIS_TRY(auto ids, work());
  TRELLIS_CHECK(write.state.AddRequest(write.caller.twin, write.caller.request_id,
                                       {.arguments = std::move(arguments), .ids = ids}));
  return ids;
}

Result<std::uint64_t> ApplyOne(Write& write, Call const& call) {
  return std::visit([&](auto const& body) { return Apply(write, body); }, call);
}

Result<Ids> ApplyBatch(Write& write, std::vector<Call> const& calls) {
  Ids ids;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    auto const id = ApplyOne(write, calls[i]);
    if (!id) return tl::unexpected<Error>(Error(id.error()).With("call {}", i));
    ids.push_back(*id);
    TRELLIS_CHECK(Emit(write, EventKind::kItemCompleted, {}, nullptr));
  }
  TRELLIS_CHECK(Emit(write, EventKind::kBatchCompleted, {}, nullptr));
  return ids;
}

}  // namespace

Result<std::uint64_t> ApplyRequest(Write& write, Call const& call) {
  if (write.caller.request_id.empty()) return ApplyOne(write, call);
  TRELLIS_TRY(auto const ids, Once(write, {call}, [&]() -> Result<Ids> {
                TRELLIS_TRY(auto const id, ApplyOne(write, call));
                return Ids{id};
              }));
  return ids.empty() ? 0 : ids.front();
}

Result<Ids> ApplyRequest(Write& write, std::vector<Call> const& calls) {
  if (calls.size() > kMaxBatch)
    return Refuse("TooManyCalls", "more than {} calls in one batch", kMaxBatch);
  return Once(write, calls, [&] { return ApplyBatch(write, calls); });
}

Result<void> Emit(Write& write, EventKind kind, EventAbout about, json::Value body) {
  return write.state.AddEvent({.seq = 0,
                               .height = write.height,
                               .at = write.now,
                               .kind = kind,
                               .node = about.node,
                               .contract = about.contract,
                               .twin = about.twin,
                               .body = std::move(body)});
}

Result<void> RequireTwin(Write& write) {
  TRELLIS_CHECK(write.state.ReadTwin(write.caller.twin));
  return {};
}

Result<void> RequireAdmin(Write const& write) {
  if (write.caller.admin) return {};
  return Refuse("AdminOnly", "twin {} is not an admin", write.caller.twin);
}

Result<void> RequireFarmer(Write& write, std::uint32_t farm) {
  TRELLIS_TRY(auto const found, write.state.ReadFarm(farm));
  if (write.caller.admin || found.twin_id == write.caller.twin) return {};
  return Refuse("CannotUpdateFarmWrongTwin", "farm {} belongs to another twin", farm);
}

}  // namespace trellis::ledger::rules
