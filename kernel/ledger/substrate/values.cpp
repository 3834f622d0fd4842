#include "kernel/ledger/substrate/values.hpp"

#include <limits>

namespace trellis::ledger::substrate {
namespace {

// Deep enough for a batch of batches; a runtime's types nest about ten deep.
constexpr int kMaxDepth = 48;
// JSON values that one decoded message may become.
constexpr std::size_t kMaxValues = std::size_t{1} << 20U;

json::Value const kNull = nullptr;

bool IsU8(Metadata const& metadata, TypeId type) {
  auto const* const primitive = std::get_if<Primitive>(&metadata.types[type].shape);
  return primitive != nullptr && *primitive == Primitive::kU8;
}

bool IsOption(Type const& type) {
  return type.path.size() == 1 && type.path.front() == "Option";
}

std::size_t WidthOf(Primitive primitive) {
  switch (primitive) {
    case Primitive::kBool:
    case Primitive::kU8:
    case Primitive::kI8:
      return 1;
    case Primitive::kU16:
    case Primitive::kI16:
      return 2;
    case Primitive::kChar:
    case Primitive::kU32:
    case Primitive::kI32:
      return 4;
    case Primitive::kU64:
    case Primitive::kI64:
      return 8;
    case Primitive::kU128:
    case Primitive::kI128:
      return 16;
    case Primitive::kU256:
    case Primitive::kI256:
      return 32;
    case Primitive::kStr:
      break;
  }
  return 0;
}

json::Value TextOf(BytesView bytes) {
  return boost::json::string(crypto::AsText(bytes));
}

class Reader {
 public:
  Reader(Metadata const& metadata, Decoder& in) : metadata_(metadata), in_(in) {}

  json::Value Read(TypeId id) {
    if (++depth_ > kMaxDepth || ++values_ > kMaxValues) in_.Break();
    auto value = in_.ok() ? ReadType(metadata_.types[id]) : json::Value(nullptr);
    --depth_;
    return value;
  }

 private:
  json::Value ReadType(Type const& type) {
    if (IsOption(type)) return ReadOption(type);
    return std::visit([&](auto const& shape) { return ReadShape(shape); }, type.shape);
  }
  json::Value ReadOption(Type const& type) {
    auto const* const choice = std::get_if<Choice>(&type.shape);
    if (!in_.Bool() || choice == nullptr || choice->variants.size() != 2) return nullptr;
    return ReadFields(choice->variants[1].fields);
  }
  json::Value ReadFields(std::vector<Field> const& fields) {
    if (fields.empty()) return nullptr;
    if (fields.front().name.empty()) {
      if (fields.size() == 1) return Read(fields.front().type);
      boost::json::array list;
      for (auto const& field : fields)
        list.push_back(Read(field.type));
      return list;
    }
    boost::json::object object;
    for (auto const& field : fields)
      object[field.name] = Read(field.type);
    return object;
  }
  json::Value ReadShape(Composite const& shape) { return ReadFields(shape.fields); }
  json::Value ReadShape(Choice const& shape) {
    auto const index = in_.U8();
    auto const found = std::ranges::find(shape.variants, index, &Variant::index);
    if (found == shape.variants.end()) {
      in_.Break();
      return nullptr;
    }
    if (found->fields.empty()) return boost::json::string(found->name);
    return boost::json::object{{found->name, ReadFields(found->fields)}};
  }
  json::Value ReadShape(Sequence const& shape) {
    if (IsU8(metadata_, shape.type)) return TextOf(in_.Blob(in_.rest().size()));
    return ReadList(shape.type, in_.Count(kMaxValues));
  }
  json::Value ReadShape(Array const& shape) {
    if (IsU8(metadata_, shape.type)) return TextOf(in_.Raw(shape.size));
    return ReadList(shape.type, shape.size);
  }
  json::Value ReadList(TypeId type, std::size_t count) {
    boost::json::array list;
    for (std::size_t i = 0; i < count && in_.ok(); ++i)
      list.push_back(Read(type));
    return list;
  }
  json::Value ReadShape(Tuple const& shape) {
    if (shape.types.empty()) return nullptr;
    boost::json::array list;
    for (auto const type : shape.types)
      list.push_back(Read(type));
    return list;
  }
  json::Value ReadShape(Primitive shape) {
    if (shape == Primitive::kBool) return in_.Bool();
    if (shape == Primitive::kStr) return TextOf(in_.Blob(in_.rest().size()));
    auto const bytes = in_.Raw(WidthOf(shape));
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (i < sizeof number) {
        number |= std::uint64_t{bytes[i]} << (8 * i);
      } else if (bytes[i] != 0) {
        return TextOf(bytes);
      }
    }
    return number;
  }
  json::Value ReadShape(CompactOf const&) { return in_.Compact(); }
  json::Value ReadShape(Bits const&) {
    auto const bits = in_.Compact();
    (void)in_.Raw(bits / 8 + (bits % 8 == 0 ? 0 : 1));
    return nullptr;
  }

  Metadata const& metadata_;
  Decoder& in_;
  int depth_ = 0;
  std::size_t values_ = 0;
};

tl::unexpected<Error> Mismatch(std::string_view what) {
  return Fail(Code::kInvalid, "value is not {}", what);
}

class Writer {
 public:
  Writer(Metadata const& metadata, Encoder& out) : metadata_(metadata), out_(out) {}

  Result<void> Write(TypeId id, json::Value const& value) {
    auto const& type = metadata_.types[id];
    if (IsOption(type)) return WriteOption(type, value);
    return std::visit([&](auto const& shape) { return WriteShape(shape, value); }, type.shape);
  }

 private:
  Result<void> WriteOption(Type const& type, json::Value const& value) {
    auto const* const choice = std::get_if<Choice>(&type.shape);
    if (choice == nullptr || choice->variants.size() != 2) return Mismatch("an Option");
    out_.Bool(!value.is_null());
    return value.is_null() ? Result<void>() : WriteFields(choice->variants[1].fields, value);
  }
  Result<void> WriteFields(std::vector<Field> const& fields, json::Value const& value) {
    if (fields.empty()) return {};
    if (fields.size() == 1 && fields.front().name.empty()) return Write(fields.front().type, value);
    if (fields.front().name.empty()) {
      auto const* const list = value.if_array();
      if (list == nullptr || list->size() != fields.size()) return Mismatch("a list of the fields");
      for (std::size_t i = 0; i < fields.size(); ++i)
        TRELLIS_CHECK(Write(fields[i].type, (*list)[i]));
      return {};
    }
    auto const* const object = value.if_object();
    if (object == nullptr) return Mismatch("an object");
    for (auto const& field : fields) {
      auto const* const member = object->if_contains(field.name);
      if (member == nullptr) return Fail(Code::kInvalid, "field '{}' is missing", field.name);
      TRELLIS_CHECK(Write(field.type, *member).map_error([&](Error error) {
        return std::move(error).With("{}", field.name);
      }));
    }
    return {};
  }
  Result<void> WriteShape(Composite const& shape, json::Value const& value) {
    return WriteFields(shape.fields, value);
  }
  Result<void> WriteShape(Choice const& shape, json::Value const& value) {
    TRELLIS_TRY(auto const chosen, GetChosen(value));
    auto const found = std::ranges::find(shape.variants, chosen.name, &Variant::name);
    if (found == shape.variants.end())
      return Fail(Code::kInvalid, "there is no variant '{}'", chosen.name);
    out_.U8(found->index);
    return WriteFields(found->fields, *chosen.body);
  }
  Result<void> WriteShape(Sequence const& shape, json::Value const& value) {
    if (IsU8(metadata_, shape.type)) {
      if (!value.is_string()) return Mismatch("bytes");
      out_.Text(value.get_string());
      return {};
    }
    auto const* const list = value.if_array();
    if (list == nullptr) return Mismatch("a list");
    out_.Compact(list->size());
    return WriteList(shape.type, *list);
  }
  Result<void> WriteShape(Array const& shape, json::Value const& value) {
    if (IsU8(metadata_, shape.type)) {
      if (!value.is_string() || value.get_string().size() != shape.size)
        return Fail(Code::kInvalid, "value is not {} bytes", shape.size);
      out_.Raw(crypto::AsBytes(value.get_string()));
      return {};
    }
    auto const* const list = value.if_array();
    if (list == nullptr || list->size() != shape.size) return Mismatch("a list of that length");
    return WriteList(shape.type, *list);
  }
  Result<void> WriteList(TypeId type, boost::json::array const& list) {
    for (auto const& item : list)
      TRELLIS_CHECK(Write(type, item));
    return {};
  }
  Result<void> WriteShape(Tuple const& shape, json::Value const& value) {
    if (shape.types.empty()) return {};
    auto const* const list = value.if_array();
    if (list == nullptr || list->size() != shape.types.size()) return Mismatch("a tuple");
    for (std::size_t i = 0; i < list->size(); ++i)
      TRELLIS_CHECK(Write(shape.types[i], (*list)[i]));
    return {};
  }
  Result<void> WriteShape(Primitive shape, json::Value const& value) {
    if (shape == Primitive::kBool) {
      if (!value.is_bool()) return Mismatch("a truth value");
      out_.Bool(value.get_bool());
      return {};
    }
    if (shape == Primitive::kStr) {
      if (!value.is_string()) return Mismatch("text");
      out_.Text(value.get_string());
      return {};
    }
    std::size_t const width = WidthOf(shape);
    if (value.is_string() && width > sizeof(std::uint64_t) && value.get_string().size() == width) {
      out_.Raw(crypto::AsBytes(value.get_string()));
      return {};
    }
    TRELLIS_TRY(auto const number, NumberOf(value));
    if (width < sizeof number && (number >> (8 * width)) != 0)
      return Fail(Code::kInvalid, "number {} is out of range", number);
    for (std::size_t i = 0; i < width; ++i)
      out_.U8(static_cast<std::uint8_t>(i < sizeof number ? (number >> (8 * i)) & 0xffU : 0U));
    return {};
  }
  Result<void> WriteShape(CompactOf const&, json::Value const& value) {
    TRELLIS_TRY(auto const number, NumberOf(value));
    out_.Compact(number);
    return {};
  }
  Result<void> WriteShape(Bits const&, json::Value const&) {
    return Fail(Code::kUnsupported, "bit lists are read only");
  }
  static Result<std::uint64_t> NumberOf(json::Value const& value) {
    if (value.is_uint64()) return value.get_uint64();
    if (value.is_int64() && value.get_int64() >= 0)
      return static_cast<std::uint64_t>(value.get_int64());
    return Mismatch("a number from 0");
  }

  Metadata const& metadata_;
  Encoder& out_;
};

}  // namespace

Result<void> ValueCodec::Encode(TypeId type, json::Value const& value, Encoder& out) const {
  return Writer(*metadata_, out).Write(type, value);
}

Result<Bytes> ValueCodec::Encode(TypeId type, json::Value const& value) const {
  Encoder out;
  TRELLIS_CHECK(Encode(type, value, out));
  return out.Take();
}

json::Value ValueCodec::Decode(TypeId type, Decoder& in) const {
  return Reader(*metadata_, in).Read(type);
}

Result<json::Value> ValueCodec::Decode(TypeId type, BytesView bytes) const {
  Decoder in(bytes);
  auto value = Decode(type, in);
  TRELLIS_CHECK(in.Finish("value"));
  return value;
}

Result<json::Value const*> GetMember(json::Value const& object, std::string_view name) {
  auto const* const members = object.if_object();
  auto const* const member = members == nullptr ? nullptr : members->if_contains(name);
  if (member == nullptr) return Fail(Code::kDecode, "field '{}' is missing", name);
  return member;
}

Result<std::uint64_t> GetUint(json::Value const& object, std::string_view name) {
  TRELLIS_TRY(auto const* const member, GetMember(object, name));
  if (auto const* const number = member->if_uint64()) return *number;
  if (auto const* const number = member->if_int64(); number != nullptr && *number >= 0)
    return static_cast<std::uint64_t>(*number);
  return Fail(Code::kDecode, "field '{}' is not a number", name);
}

Result<std::string> GetBytes(json::Value const& object, std::string_view name) {
  TRELLIS_TRY(auto const* const member, GetMember(object, name));
  if (!member->is_string()) return Fail(Code::kDecode, "field '{}' is not bytes", name);
  return std::string(std::string_view(member->get_string()));
}

Result<Chosen> GetChosen(json::Value const& value) {
  if (value.is_string()) return Chosen{std::string_view(value.get_string()), &kNull};
  auto const* const object = value.if_object();
  if (object == nullptr || object->size() != 1)
    return Fail(Code::kDecode, "value is not one of several");
  auto const& only = *object->begin();
  return Chosen{std::string_view(only.key()), &only.value()};
}

}  // namespace trellis::ledger::substrate
