// The façade's runtime, by type names.
#pragma once

#include "kernel/ledger/facade/runtime.hpp"
#include "kernel/ledger/substrate/objects.hpp"
#include "kernel/ledger/substrate/storage_key.hpp"
#include "kernel/ledger/substrate/values.hpp"

#include <gtest/gtest.h>

namespace trellis::ledger::substrate {

inline Metadata const& Runtime() {
  static Metadata const runtime = facade::MakeRuntime().value();
  return runtime;
}

inline ValueCodec Codec() {
  return ValueCodec(Runtime());
}

/// Of the last part of the type's path.
inline TypeId TypeNamed(std::string_view name) {
  for (TypeId id = 0; id < Runtime().types.size(); ++id) {
    auto const& path = Runtime().types[id].path;
    if (!path.empty() && path.back() == name) return id;
  }
  ADD_FAILURE() << "no type " << name;
  return 0;
}

inline std::string HexOf(Result<Bytes> const& bytes) {
  return bytes ? crypto::Hex(*bytes) : bytes.error().message;
}

}  // namespace trellis::ledger::substrate
