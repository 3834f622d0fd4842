// Values of a chain, by the types in its metadata, as JSON values.
#pragma once

#include "kernel/ledger/substrate/metadata.hpp"
#include "kernel/ledger/substrate/scale.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

namespace trellis::ledger::substrate {

/// The JSON form: a struct is an object by field names (one unnamed field: that field's value;
/// several: an array); an enum is `"Name"`, `{"Name": value}`, `{"Name": [..]}` or
/// `{"Name": {..}}`; Option is null or the value; bytes of any kind are a string of raw bytes, so
/// these values are never printed; a number above 64 bits is a string of its bytes, lowest first.
///
/// Thread-safe; borrows the metadata.
class ValueCodec {
 public:
  explicit ValueCodec(Metadata const& metadata) : metadata_(&metadata) {}

  /// kInvalid when the value does not have the type's form.
  Result<void> Encode(TypeId type, json::Value const& value, Encoder& out) const;
  Result<Bytes> Encode(TypeId type, json::Value const& value) const;
  /// Reads one value; `in` is broken when the bytes do not fit.
  [[nodiscard]] json::Value Decode(TypeId type, Decoder& in) const;
  /// One value and nothing behind it. kDecode.
  Result<json::Value> Decode(TypeId type, BytesView bytes) const;

 private:
  Metadata const* metadata_;
};

// Members of such values; kDecode when one is missing or of another kind.
Result<std::uint64_t> GetUint(json::Value const& object, std::string_view name);
Result<std::string> GetBytes(json::Value const& object, std::string_view name);
Result<json::Value const*> GetMember(json::Value const& object, std::string_view name);
template <std::unsigned_integral T>
Result<T> GetId(json::Value const& object, std::string_view name) {
  TRELLIS_TRY(auto const value, GetUint(object, name));
  if (!std::in_range<T>(value)) return Fail(Code::kDecode, "'{}' is out of range", name);
  return static_cast<T>(value);
}

/// An enum value apart: its name, and what it carries (null for none).
struct Chosen {
  std::string_view name{};
  json::Value const* body = nullptr;  ///< never null for a value of an enum
};
Result<Chosen> GetChosen(json::Value const& value);

}  // namespace trellis::ledger::substrate
