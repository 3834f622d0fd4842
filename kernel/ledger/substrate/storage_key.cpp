#include "kernel/ledger/substrate/storage_key.hpp"

#include "kernel/crypto/hash.hpp"
#include "kernel/ledger/substrate/hashers.hpp"

namespace trellis::ledger::substrate {
namespace {

/// Appends the hash, and the key itself where the hasher keeps it.
Result<void> AppendHashed(Encoder& out, Hasher hasher, BytesView key) {
  switch (hasher) {
    case Hasher::kBlake2b128:
      out.Raw(Blake2b128(key));
      return {};
    case Hasher::kBlake2b256:
      out.Raw(crypto::Blake2b256(key));
      return {};
    case Hasher::kBlake2b128Concat:
      out.Raw(Blake2b128(key)).Raw(key);
      return {};
    case Hasher::kTwox128:
      out.Raw(Twox128(key));
      return {};
    case Hasher::kTwox64Concat:
      out.Raw(Twox64(key)).Raw(key);
      return {};
    case Hasher::kIdentity:
      out.Raw(key);
      return {};
    case Hasher::kTwox256:
      break;
  }
  return Fail(Code::kUnsupported, "storage hasher {} is not known", static_cast<int>(hasher));
}

}  // namespace

Bytes StoragePrefix(std::string_view pallet_prefix, std::string_view item) {
  Encoder out;
  out.Raw(Twox128(crypto::AsBytes(pallet_prefix))).Raw(Twox128(crypto::AsBytes(item)));
  return out.Take();
}

std::vector<TypeId> KeyTypes(Metadata const& metadata, StorageItem const& item) {
  if (item.hashers.size() <= 1) return std::vector<TypeId>(item.hashers.size(), item.key);
  auto const* const tuple = std::get_if<Tuple>(&metadata.types[item.key].shape);
  return tuple == nullptr ? std::vector<TypeId>() : tuple->types;
}

Result<Bytes> StorageKey(Metadata const& metadata, Pallet const& pallet, StorageItem const& item,
                         std::vector<json::Value> const& keys) {
  auto const types = KeyTypes(metadata, item);
  if (types.size() != keys.size() || types.size() != item.hashers.size())
    return Fail(Code::kInvalid, "storage '{}' has {} keys, not {}", item.name, types.size(),
                keys.size());
  Encoder out;
  out.Raw(StoragePrefix(pallet.prefix, item.name));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    TRELLIS_TRY(auto const key, ValueCodec(metadata).Encode(types[i], keys[i]));
    TRELLIS_CHECK(AppendHashed(out, item.hashers[i], key));
  }
  return out.Take();
}

Result<std::vector<json::Value>> ReadStorageKeys(Metadata const& metadata, StorageItem const& item,
                                                 BytesView after_prefix) {
  auto const types = KeyTypes(metadata, item);
  Decoder in(after_prefix);
  std::vector<json::Value> keys;
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (item.hashers[i] != Hasher::kBlake2b128Concat)
      return Fail(Code::kUnsupported, "keys of storage '{}' cannot be read back", item.name);
    (void)in.Array<16>();
    keys.push_back(ValueCodec(metadata).Decode(types[i], in));
  }
  TRELLIS_CHECK(in.Finish("storage key"));
  return keys;
}

}  // namespace trellis::ledger::substrate
