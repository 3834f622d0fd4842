// What a chain's runtime tells about itself (metadata version 14): its types, and each pallet's
// storage, calls, events and errors. The façade writes one, the TFChain adapter reads one.
#pragma once

#include "kernel/crypto/bytes.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace trellis::ledger::substrate {

using TypeId = std::uint32_t;  ///< index into Metadata::types

struct Field {
  std::string name{};  ///< "" = none
  TypeId type = 0;
  std::string type_name{};  ///< as the source wrote it; "" = none
};
struct Variant {
  std::string name{};
  std::vector<Field> fields{};
  std::uint8_t index = 0;
};

struct Composite {
  std::vector<Field> fields{};
};
struct Choice {
  std::vector<Variant> variants{};
};
struct Sequence {
  TypeId type = 0;
};
struct Array {
  std::uint32_t size = 0;
  TypeId type = 0;
};
struct Tuple {
  std::vector<TypeId> types{};
};
/// The numbers are those of the wire.
enum class Primitive : std::uint8_t {
  kBool,
  kChar,
  kStr,
  kU8,
  kU16,
  kU32,
  kU64,
  kU128,
  kU256,
  kI8,
  kI16,
  kI32,
  kI64,
  kI128,
  kI256,
};
struct CompactOf {
  TypeId type = 0;
};
struct Bits {
  TypeId store = 0;
  TypeId order = 0;
};
/// In the order of the wire.
using Shape = std::variant<Composite, Choice, Sequence, Array, Tuple, Primitive, CompactOf, Bits>;

struct Parameter {
  std::string name{};
  std::optional<TypeId> type{};
};
struct Type {
  std::vector<std::string> path{};
  std::vector<Parameter> params{};
  Shape shape{};
};

/// The numbers are those of the wire.
enum class Hasher : std::uint8_t {
  kBlake2b128,
  kBlake2b256,
  kBlake2b128Concat,
  kTwox128,
  kTwox256,
  kTwox64Concat,
  kIdentity,
};
struct StorageItem {
  std::string name{};
  bool optional = false;          ///< a missing value is "none", not `fallback`
  std::vector<Hasher> hashers{};  ///< one for each key; empty: a single value
  TypeId key = 0;                 ///< a tuple when there are several keys
  TypeId value = 0;
  crypto::Bytes fallback{};
};
struct Constant {
  std::string name{};
  TypeId type = 0;
  crypto::Bytes value{};
};
struct Pallet {
  std::string name{};
  std::string prefix{};
  bool has_storage = false;
  std::vector<StorageItem> storage{};
  std::optional<TypeId> calls{};
  std::optional<TypeId> events{};
  std::vector<Constant> constants{};
  std::optional<TypeId> errors{};
  std::uint8_t index = 0;
};
/// A part of what signers sign: `type` travels with the extrinsic, `additional` is implied.
struct Extension {
  std::string name{};
  TypeId type = 0;
  TypeId additional = 0;
};

struct Metadata {
  std::vector<Type> types{};
  std::vector<Pallet> pallets{};
  TypeId extrinsic = 0;
  std::uint8_t extrinsic_version = 4;
  std::vector<Extension> extensions{};
  TypeId runtime = 0;

  // Borrowed, or null.
  [[nodiscard]] Pallet const* FindPallet(std::string_view name) const;
  [[nodiscard]] Pallet const* FindPallet(std::uint8_t index) const;
  [[nodiscard]] StorageItem const* FindStorage(std::string_view pallet,
                                               std::string_view item) const;
  [[nodiscard]] Constant const* FindConstant(std::string_view pallet, std::string_view name) const;
  /// Of an enum type.
  [[nodiscard]] Variant const* FindVariant(std::optional<TypeId> type, std::string_view name) const;
  [[nodiscard]] Variant const* FindVariant(std::optional<TypeId> type, std::uint8_t index) const;
};

inline constexpr std::size_t kMaxMetadata = std::size_t{4} << 20U;

crypto::Bytes EncodeMetadata(Metadata metadata);
/// Every TypeId of the result is valid. kDecode; kUnsupported: another version than 14.
Result<Metadata> DecodeMetadata(crypto::BytesView bytes);

}  // namespace trellis::ledger::substrate
