// Twins: create, update, verify.
#include "kernel/ledger/rules/refusal.hpp"
#include "kernel/ledger/rules/write.hpp"

namespace trellis::ledger::rules {
namespace {

Result<void> Change(Write& write, Twin const& twin) {
  TRELLIS_CHECK(write.state.ChangeTwin(twin));
  return Emit(write, EventKind::kTwinUpdated, {.node = 0, .contract = 0, .twin = twin.id},
              json::Encode(twin));
}

}  // namespace

Result<std::uint64_t> Apply(Write& write, CreateTwin const& call) {
  TRELLIS_TRY(auto const known, write.state.FindTwinByAccount(call.account));
  if (known) return Refuse("TwinWithPubkeyExists", "the account has twin {}", *known);
  TRELLIS_CHECK(CheckRelay(call.relay));
  TRELLIS_CHECK(CheckPeerKey(call.pk));
  Twin twin{.id = 0, .account = call.account, .relay = call.relay, .pk = call.pk, .verified = true};
  TRELLIS_TRY(twin.id, write.state.AddTwin(twin));
  TRELLIS_CHECK(Emit(write, EventKind::kTwinStored, {.node = 0, .contract = 0, .twin = twin.id},
                     json::Encode(twin)));
  return twin.id;
}

Result<std::uint64_t> Apply(Write& write, UpdateTwin const& call) {
  TRELLIS_TRY(auto twin, write.state.ReadTwin(write.caller.twin));
  TRELLIS_CHECK(CheckRelay(call.relay));
  TRELLIS_CHECK(CheckPeerKey(call.pk));
  twin.relay = call.relay;
  twin.pk = call.pk;
  TRELLIS_CHECK(Change(write, twin));
  return 0;
}

Result<std::uint64_t> Apply(Write& write, SetVerified const& call) {
  TRELLIS_CHECK(RequireAdmin(write));
  TRELLIS_TRY(auto twin, write.state.ReadTwin(call.twin));
  twin.verified = call.verified;
  TRELLIS_CHECK(Change(write, twin));
  return 0;
}

}  // namespace trellis::ledger::rules
