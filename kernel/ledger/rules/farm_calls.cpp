// What farmers decide: addresses, public configuration, power.
#include "kernel/ledger/rules/refusal.hpp"
#include "kernel/ledger/rules/write.hpp"

#include <trellis/net.hpp>

#include <algorithm>

namespace trellis::ledger::rules {
namespace {

Result<void> EmitFarm(Write& write, EventKind kind, std::uint32_t id) {
  TRELLIS_TRY(auto farm, write.state.ReadFarm(id));
  TRELLIS_TRY(farm.public_ips, write.state.ListFarmIps(id));
  return Emit(write, kind, {.node = 0, .contract = 0, .twin = farm.twin_id}, json::Encode(farm));
}

}  // namespace

Result<std::uint64_t> Apply(Write& write, CreateFarm const& call) {
  TRELLIS_CHECK(RequireAdmin(write));
  std::uint32_t const owner = call.twin != 0 ? call.twin : write.caller.twin;
  TRELLIS_CHECK(write.state.ReadTwin(owner));
  TRELLIS_CHECK(CheckFarmName(call.name));
  TRELLIS_TRY(auto const taken, write.state.FindFarmByName(call.name));
  if (taken) return Refuse("FarmExists", "farm name '{}' is taken", call.name);
  TRELLIS_TRY(auto const id, write.state.AddFarm({.id = 0,
                                                  .name = call.name,
                                                  .twin_id = owner,
                                                  .dedicated = call.dedicated,
                                                  .public_ips = {}}));
  TRELLIS_CHECK(EmitFarm(write, EventKind::kFarmStored, id));
  return id;
}

Result<std::uint64_t> Apply(Write& write, AddFarmIp const& call) {
  TRELLIS_CHECK(RequireFarmer(write, call.farm));
  TRELLIS_TRY(auto const address,
              CheckAddress({.ip = call.ip, .gw = call.gateway}, write.private_ranges));
  TRELLIS_TRY(auto const taken, write.state.FindFarmByIp(address.ip));
  if (taken) return Refuse("IpExists", "address '{}' belongs to a farm", address.ip);
  TRELLIS_TRY(auto const ips, write.state.ListFarmIps(call.farm));
  if (ips.size() >= kMaxFarmIps)
    return Refuse("FarmHasTooManyPublicIPs", "farm {} has {} addresses", call.farm, kMaxFarmIps);
  TRELLIS_CHECK(write.state.AddFarmIp(call.farm, address));
  TRELLIS_CHECK(EmitFarm(write, EventKind::kFarmUpdated, call.farm));
  return 0;
}

Result<std::uint64_t> Apply(Write& write, RemoveFarmIp const& call) {
  TRELLIS_CHECK(RequireFarmer(write, call.farm));
  auto const parsed = IpNet::Parse(call.ip);
  auto const canonical = parsed ? parsed->ToString() : call.ip;
  TRELLIS_TRY(auto const ips, write.state.ListFarmIps(call.farm));
  auto const found = std::ranges::find(ips, canonical, &PublicIp::ip);
  if (found == ips.end() || found->contract_id != 0)
    return Refuse("IpNotExists", "farm {} has no free address '{}'", call.farm, call.ip);
  TRELLIS_CHECK(write.state.RemoveFarmIp(call.farm, canonical));
  TRELLIS_CHECK(EmitFarm(write, EventKind::kFarmUpdated, call.farm));
  return 0;
}

Result<std::uint64_t> Apply(Write& write, SetPublicConfig const& call) {
  TRELLIS_TRY(auto node, write.state.ReadNode(call.node));
  TRELLIS_CHECK(RequireFarmer(write, node.farm_id));
  node.public_config.reset();
  if (call.config) {
    TRELLIS_TRY(node.public_config, CheckPublicConfig(*call.config, write.private_ranges));
  }
  TRELLIS_CHECK(write.state.ChangeNode(node));
  TRELLIS_CHECK(Emit(write, EventKind::kNodePublicConfigStored,
                     {.node = call.node, .contract = 0, .twin = node.twin_id},
                     json::Encode(node.public_config)));
  return 0;
}

Result<std::uint64_t> Apply(Write& write, SetPowerTarget const& call) {
  TRELLIS_TRY(auto node, write.state.ReadNode(call.node));
  TRELLIS_CHECK(RequireFarmer(write, node.farm_id));
  node.power.target = call.target;
  TRELLIS_CHECK(write.state.ChangeNode(node));
  TRELLIS_CHECK(Emit(write, EventKind::kPowerTargetChanged,
                     {.node = call.node, .contract = 0, .twin = node.twin_id},
                     json::Encode(call.target)));
  return 0;
}

}  // namespace trellis::ledger::rules
