#include "kernel/ledger/substrate/header.hpp"

namespace trellis::ledger::substrate {

Hash HashOf(Header const& header) {
  Encoder out;
  out.Raw(header.parent).Compact(header.number).Raw(header.state_root).Raw(header.extrinsics_root);
  out.Compact(0);  // no digest items
  return crypto::Blake2b256(out.bytes());
}

}  // namespace trellis::ledger::substrate
