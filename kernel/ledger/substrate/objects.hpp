// The ledger's objects as values of the chain's types (values.hpp), and back.
#pragma once

#include "kernel/ledger/calls.hpp"
#include "kernel/ledger/types.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

namespace trellis::ledger::substrate {

json::Value ToChain(Twin const& twin);
json::Value ToChain(PublicIp const& ip);
json::Value ToChain(std::vector<PublicIp> const& ips);
json::Value ToChain(Farm const& farm);
json::Value ToChain(PublicConfig const& config);
json::Value ToChain(std::optional<PublicConfig> const& config);
json::Value ToChain(Node const& node);
json::Value ToChain(NodePower const& power);
json::Value ToChain(Contract const& contract);
json::Value ToChain(ContractResources const& report);
json::Value ToChain(NruReport const& report);
/// `Up` or `Down`.
json::Value ToChain(Power power);
/// The arguments that create_node and update_node share.
boost::json::object ToChain(NodeSpec const& spec);

// kDecode. What the chain does not know stays as it is by default: Twin::verified,
// Contract::created, Node::power.
Result<Twin> ReadTwin(json::Value const& value);
Result<std::vector<PublicIp>> ReadPublicIps(json::Value const& value);
Result<Farm> ReadFarm(json::Value const& value);
Result<std::optional<PublicConfig>> ReadPublicConfig(json::Value const& value);
Result<Node> ReadNode(json::Value const& value);
Result<NodePower> ReadNodePower(json::Value const& value);
Result<Contract> ReadContract(json::Value const& value);
Result<ContractResources> ReadResources(json::Value const& value);
Result<NruReport> ReadNru(json::Value const& value);
Result<Power> ReadPower(json::Value const& value);
Result<NodeSpec> ReadNodeSpec(json::Value const& arguments);
/// Bytes or nothing. InvalidPublicKey (kInvalid) for other lengths than a key's.
Result<std::optional<PeerKey>> ReadPeerKey(json::Value const& value);
Result<std::optional<std::string>> ReadMaybeText(json::Value const& value);

/// The raw bytes of an account, as a value.
json::Value ToChain(Account const& account);
Result<Account> ReadAccount(json::Value const& value);

}  // namespace trellis::ledger::substrate
