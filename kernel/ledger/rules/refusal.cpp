#include "kernel/ledger/rules/refusal.hpp"

#include <algorithm>
#include <array>

namespace trellis::ledger::rules {
namespace {

struct Class {
  std::string_view name;
  Code code;
};

constexpr std::array kClasses{
    Class{"TwinNotExists", Code::kNotFound},
    Class{"NodeNotExists", Code::kNotFound},
    Class{"FarmNotExists", Code::kNotFound},
    Class{"ContractNotExists", Code::kNotFound},
    Class{"IpNotExists", Code::kNotFound},
    Class{"TwinNotAuthorizedToUpdateContract", Code::kDenied},
    Class{"TwinNotAuthorizedToCancelContract", Code::kDenied},
    Class{"NodeNotAvailableToDeploy", Code::kDenied},
    Class{"NodeNotAuthorizedToComputeReport", Code::kDenied},
    Class{"NodeUpdateNotAuthorized", Code::kDenied},
    Class{"CannotUpdateFarmWrongTwin", Code::kDenied},
    Class{"AdminOnly", Code::kDenied},
    Class{"InvalidTimestampHint", Code::kDenied},
    Class{"TwinWithPubkeyExists", Code::kConflict},
    Class{"FarmExists", Code::kConflict},
    Class{"NodeWithTwinIdExists", Code::kConflict},
    Class{"ContractIsNotUnique", Code::kConflict},
    Class{"CannotUpdateContractInGraceState", Code::kConflict},
    Class{"ContractWrongState", Code::kConflict},
    Class{"NameExists", Code::kConflict},
    Class{"NodeHasRentContract", Code::kConflict},
    Class{"NodeHasActiveContracts", Code::kConflict},
    Class{"IpExists", Code::kConflict},
    Class{"RequestIdReused", Code::kConflict},
    Class{"CursorTooOld", Code::kConflict},
    Class{"FarmHasNotEnoughPublicIPs", Code::kExhausted},
    Class{"FarmHasNotEnoughPublicIPsFree", Code::kExhausted},
    Class{"FarmHasTooManyPublicIPs", Code::kExhausted},
};

}  // namespace

Code ClassOf(std::string_view name) {
  auto const found = std::ranges::find(kClasses, name, &Class::name);
  return found == kClasses.end() ? Code::kInvalid : found->code;
}

}  // namespace trellis::ledger::rules
