// Bytes of a chain as the TFChain adapter reads them: metadata, and values of any of its types.
#include "kernel/ledger/facade/runtime.hpp"
#include "kernel/ledger/substrate/metadata.hpp"
#include "kernel/ledger/substrate/storage_key.hpp"
#include "kernel/ledger/substrate/values.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>

namespace trellis::fuzz::scale {

namespace {

using namespace ledger::substrate;  // NOLINT(google-build-using-namespace): of this file's topic

constexpr TypeId kTypes = 64;  // tried of a metadata that was read

void ReadMetadata(BytesView bytes) {
  auto const metadata = DecodeMetadata(bytes);
  if (!metadata) return;
  // What was accepted can be used: each type decodes something, or fails.
  ValueCodec const codec(*metadata);
  for (TypeId type = 0; type < metadata->types.size() && type < kTypes; ++type)
    (void)codec.Decode(type, bytes);
  Require(DecodeMetadata(EncodeMetadata(*metadata)).has_value(), "metadata reads back");
}

void ReadValue(ledger::facade::Runtime const& runtime, TypeId type, BytesView bytes) {
  auto const value = runtime.codec.Decode(type, bytes);
  if (value) Require(runtime.codec.Encode(type, *value).has_value(), "a value has a form");
  for (auto const& pallet : runtime.metadata.pallets)
    for (auto const& item : pallet.storage)
      (void)ReadStorageKeys(runtime.metadata, item, bytes);
}

}  // namespace

void Run(std::string_view input);

void Run(std::string_view input) {
  static auto const runtime = ledger::facade::Runtime::Make().value();
  auto const bytes = crypto::AsBytes(input);
  ReadMetadata(bytes);
  if (bytes.size() < 2) return;
  auto const number = static_cast<unsigned>(bytes[0]) | static_cast<unsigned>(bytes[1]) << 8U;
  ReadValue(*runtime, static_cast<TypeId>(number % runtime->metadata.types.size()),
            bytes.subspan(2));
}

}  // namespace trellis::fuzz::scale
