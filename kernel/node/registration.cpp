#include "kernel/node/registration.hpp"

namespace trellis::node {

Result<void> PublishResources(ledger::Ledger& ledger, std::uint32_t node, std::uint32_t twin,
                              Capacity const& total) {
  TRELLIS_TRY(auto const record, ledger.GetNode(node));
  ledger::NodeResources const has{
      .hru = total.hru, .sru = total.sru, .cru = total.cru, .mru = total.mru};
  if (json::Dump(record.resources) == json::Dump(has)) return {};
  ledger::UpdateNode update;
  update.node = node;
  update.spec = record;  // the part that the node tells about itself
  update.spec.resources = has;
  ledger::Caller caller;
  caller.twin = twin;
  TRELLIS_CHECK(ledger.Submit(caller, update));
  return {};
}

}  // namespace trellis::node
