// Rules about the form of arguments; no state.
#pragma once

#include "kernel/ledger/types.hpp"

#include <trellis/result.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace trellis::ledger::rules {

/// InvalidRelayAddress.
Result<void> CheckRelay(std::optional<std::string> const& relay);
/// InvalidPublicKey.
Result<void> CheckPeerKey(std::optional<PeerKey> const& pk);
/// NameContractNameTooShort, NameContractNameTooLong, NameNotValid.
Result<void> CheckContractName(std::string_view name);
/// HashNotValid.
Result<void> CheckHash(std::string_view hash);
/// DataTooLong, DataNotValid.
Result<void> CheckData(std::string_view data);
/// FarmNameTooLong, InvalidFarmName.
Result<void> CheckFarmName(std::string_view name);

enum class PrivateRanges : bool { kRefused, kAllowed };
/// `ip` is an address with prefix length, `gateway` a plain one inside the net and not the address
/// itself, both unicast. Gives both in canonical text. InvalidPublicIP.
Result<IpConfig> CheckAddress(IpConfig const& config, PrivateRanges private_ranges);
/// Addresses of both families and the domain. InvalidPublicIP, InvalidDomain. Gives canonical
/// texts.
Result<PublicConfig> CheckPublicConfig(PublicConfig const& config, PrivateRanges private_ranges);

}  // namespace trellis::ledger::rules
