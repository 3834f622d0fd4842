// Name contracts of the ledger, through trellis.contract/1. Needs the permission `name.read`.
#pragma once

#include <trellis/host.hpp>

namespace trellis {

/// The live contract that holds a name.
struct NameOwnerView {
  std::uint64_t contract_id = 0;
  std::uint32_t twin_id = 0;
  std::string type;   ///< name, when the contract is what it should be
  std::string state;  ///< created|grace_period|deleted
};
BOOST_DESCRIBE_STRUCT(NameOwnerView, (), (contract_id, twin_id, type, state))

/// kNotFound when nobody holds the name, kUnavailable while the ledger is away.
inline Result<NameOwnerView> FindNameOwner(Host const& host, std::string_view name) {
  auto const* raw = host.raw();
  auto const* ext =
      static_cast<trl_ext_contract const*>(raw->extension(raw->ctx, TRL_EXT_CONTRACT));
  if (ext == nullptr) return detail::NoExtension(TRL_EXT_CONTRACT);
  TRELLIS_TRY(auto const text, detail::Collect([&](trl_sink out, trl_sink err) {
                return ext->name_owner(raw->ctx, abi::Bytes(name), out, err);
              }));
  return json::Parse<NameOwnerView>(text);
}

}  // namespace trellis
