#include "kernel/ledger/substrate/metadata.hpp"

#include "kernel/ledger/substrate/scale.hpp"

#include <algorithm>

namespace trellis::ledger::substrate {
namespace {

constexpr std::uint32_t kMagic = 0x6174656d;  // `meta`
constexpr std::uint8_t kVersion = 14;
constexpr std::size_t kMaxText = std::size_t{64} << 10U;

/// One description of the layout serves both directions: each Pass() below names the members in the
/// order of the wire, and the two archives write or read them.
class WriteArchive {
 public:
  void U8(std::uint8_t& value) { out.U8(value); }
  void U32(std::uint32_t& value) { out.U32(value); }
  void Id(std::uint32_t& value) { out.Compact(value); }
  void Bool(bool& value) { out.Bool(value); }
  void Text(std::string& value) { out.Text(value); }
  void Blob(Bytes& value) { out.Blob(value); }
  /// A text that may be missing.
  void MaybeText(std::string& value) {
    out.Bool(!value.empty());
    if (!value.empty()) out.Text(value);
  }
  template <class T, class Each>
  void List(std::vector<T>& list, Each each) {
    out.Compact(list.size());
    for (auto& item : list)
      each(item);
  }
  void MaybeId(std::optional<std::uint32_t>& id) {
    out.Bool(id.has_value());
    if (id) out.Compact(*id);
  }
  void Fixed(std::uint64_t value) { out.Compact(value); }
  void Docs() { out.Compact(0); }

  Encoder out;
};

class ReadArchive {
 public:
  explicit ReadArchive(BytesView bytes) : in(bytes) {}
  void U8(std::uint8_t& value) { value = in.U8(); }
  void U32(std::uint32_t& value) { value = in.U32(); }
  void Id(std::uint32_t& value) {
    auto const read = in.Compact();
    if (read > kMaxMetadata) in.Break();
    value = static_cast<std::uint32_t>(read);
    largest_id = std::max(largest_id, value);
  }
  void Bool(bool& value) { value = in.Bool(); }
  void Text(std::string& value) { value = in.Text(kMaxText); }
  void Blob(Bytes& value) {
    auto const read = in.Blob(kMaxMetadata);
    value.assign(read.begin(), read.end());
  }
  void MaybeText(std::string& value) {
    if (in.Bool()) Text(value);
  }
  template <class T, class Each>
  void List(std::vector<T>& list, Each each) {
    // Grows item by item: a lying count costs no memory.
    for (auto count = in.Count(kMaxMetadata); count > 0 && in.ok(); --count)
      each(list.emplace_back());
  }
  void MaybeId(std::optional<std::uint32_t>& id) {
    if (in.Bool()) Id(id.emplace());
  }
  void Fixed(std::uint64_t value) {
    if (in.Compact() != value) in.Break();
  }
  void Docs() {
    for (auto count = in.Count(kMaxMetadata); count > 0 && in.ok(); --count)
      (void)in.Blob(kMaxText);
  }

  Decoder in;
  std::uint32_t largest_id = 0;
};

template <class A>
void Pass(A& a, Field& field) {
  a.MaybeText(field.name);
  a.Id(field.type);
  a.MaybeText(field.type_name);
  a.Docs();
}
template <class A>
void Pass(A& a, Variant& variant) {
  a.Text(variant.name);
  a.List(variant.fields, [&](Field& field) { Pass(a, field); });
  a.U8(variant.index);
  a.Docs();
}
template <class A>
void Pass(A& a, Composite& composite) {
  a.List(composite.fields, [&](Field& field) { Pass(a, field); });
}
template <class A>
void Pass(A& a, Choice& choice) {
  a.List(choice.variants, [&](Variant& variant) { Pass(a, variant); });
}
template <class A>
void Pass(A& a, Sequence& sequence) {
  a.Id(sequence.type);
}
template <class A>
void Pass(A& a, Array& array) {
  a.U32(array.size);
  a.Id(array.type);
}
template <class A>
void Pass(A& a, Tuple& tuple) {
  a.List(tuple.types, [&](TypeId& type) { a.Id(type); });
}
template <class A>
void Pass(A& a, Primitive& primitive) {
  auto number = static_cast<std::uint8_t>(primitive);
  a.U8(number);
  primitive = static_cast<Primitive>(number);
}
template <class A>
void Pass(A& a, CompactOf& compact) {
  a.Id(compact.type);
}
template <class A>
void Pass(A& a, Bits& bits) {
  a.Id(bits.store);
  a.Id(bits.order);
}

template <std::size_t I = 0>
void Emplace(Shape& shape, std::size_t index) {
  if constexpr (I < std::variant_size_v<Shape>) {
    if (index == I) {
      shape.emplace<I>();
    } else {
      Emplace<I + 1>(shape, index);
    }
  }
}

template <class A>
void Pass(A& a, Shape& shape) {
  auto index = static_cast<std::uint8_t>(shape.index());
  a.U8(index);
  if constexpr (std::is_same_v<A, ReadArchive>) {
    if (index >= std::variant_size_v<Shape>) return a.in.Break();
    Emplace(shape, index);
  }
  std::visit([&](auto& body) { Pass(a, body); }, shape);
  if constexpr (std::is_same_v<A, ReadArchive>) {
    auto const* primitive = std::get_if<Primitive>(&shape);
    if (primitive != nullptr && *primitive > Primitive::kI256) a.in.Break();
  }
}

template <class A>
void Pass(A& a, Type& type) {
  a.List(type.path, [&](std::string& part) { a.Text(part); });
  a.List(type.params, [&](Parameter& parameter) {
    a.Text(parameter.name);
    a.MaybeId(parameter.type);
  });
  Pass(a, type.shape);
  a.Docs();
}

template <class A>
void Pass(A& a, StorageItem& item) {
  a.Text(item.name);
  bool has_default = !item.optional;
  a.Bool(has_default);
  item.optional = !has_default;
  bool is_map = !item.hashers.empty();
  a.Bool(is_map);
  if (is_map) {
    a.List(item.hashers, [&](Hasher& hasher) {
      auto number = static_cast<std::uint8_t>(hasher);
      a.U8(number);
      hasher = static_cast<Hasher>(number);
    });
    a.Id(item.key);
  }
  a.Id(item.value);
  a.Blob(item.fallback);
  a.Docs();
}

template <class A>
void Pass(A& a, Pallet& pallet) {
  a.Text(pallet.name);
  a.Bool(pallet.has_storage);
  if (pallet.has_storage) {
    a.Text(pallet.prefix);
    a.List(pallet.storage, [&](StorageItem& item) { Pass(a, item); });
  }
  a.MaybeId(pallet.calls);
  a.MaybeId(pallet.events);
  a.List(pallet.constants, [&](Constant& constant) {
    a.Text(constant.name);
    a.Id(constant.type);
    a.Blob(constant.value);
    a.Docs();
  });
  a.MaybeId(pallet.errors);
  a.U8(pallet.index);
}

template <class A>
void Pass(A& a, Metadata& metadata) {
  std::uint32_t next = 0;
  a.List(metadata.types, [&](Type& type) {
    a.Fixed(next++);  // the list is indexed by id
    Pass(a, type);
  });
  a.List(metadata.pallets, [&](Pallet& pallet) { Pass(a, pallet); });
  a.Id(metadata.extrinsic);
  a.U8(metadata.extrinsic_version);
  a.List(metadata.extensions, [&](Extension& extension) {
    a.Text(extension.name);
    a.Id(extension.type);
    a.Id(extension.additional);
  });
  a.Id(metadata.runtime);
}

template <class List, class Value, class Member>
auto const* Find(List const& list, Member member, Value const& value) {
  auto const found = std::ranges::find(list, value, member);
  return found == list.end() ? nullptr : &*found;
}

Choice const* ChoiceOf(Metadata const& metadata, std::optional<TypeId> type) {
  return type ? std::get_if<Choice>(&metadata.types[*type].shape) : nullptr;
}

}  // namespace

Bytes EncodeMetadata(Metadata metadata) {
  WriteArchive archive;
  archive.out.U32(kMagic).U8(kVersion);
  Pass(archive, metadata);
  return archive.out.Take();
}

Result<Metadata> DecodeMetadata(BytesView bytes) {
  if (bytes.size() > kMaxMetadata)
    return Fail(Code::kDecode, "metadata has more than {} bytes", kMaxMetadata);
  ReadArchive archive(bytes);
  if (archive.in.U32() != kMagic) return Fail(Code::kDecode, "these bytes are no metadata");
  auto const version = archive.in.U8();
  if (archive.in.ok() && version != kVersion)
    return Fail(Code::kUnsupported, "metadata version {} is not known, only {}", version, kVersion);
  Metadata metadata;
  Pass(archive, metadata);
  if (archive.largest_id >= metadata.types.size()) archive.in.Break();
  TRELLIS_CHECK(archive.in.Finish("metadata"));
  return metadata;
}

Pallet const* Metadata::FindPallet(std::string_view name) const {
  return Find(pallets, &Pallet::name, name);
}
Pallet const* Metadata::FindPallet(std::uint8_t index) const {
  return Find(pallets, &Pallet::index, index);
}
StorageItem const* Metadata::FindStorage(std::string_view pallet, std::string_view item) const {
  auto const* const owner = FindPallet(pallet);
  return owner == nullptr ? nullptr : Find(owner->storage, &StorageItem::name, item);
}
Constant const* Metadata::FindConstant(std::string_view pallet, std::string_view name) const {
  auto const* const owner = FindPallet(pallet);
  return owner == nullptr ? nullptr : Find(owner->constants, &Constant::name, name);
}
Variant const* Metadata::FindVariant(std::optional<TypeId> type, std::string_view name) const {
  auto const* const choice = ChoiceOf(*this, type);
  return choice == nullptr ? nullptr : Find(choice->variants, &Variant::name, name);
}
Variant const* Metadata::FindVariant(std::optional<TypeId> type, std::uint8_t index) const {
  auto const* const choice = ChoiceOf(*this, type);
  return choice == nullptr ? nullptr : Find(choice->variants, &Variant::index, index);
}

}  // namespace trellis::ledger::substrate
