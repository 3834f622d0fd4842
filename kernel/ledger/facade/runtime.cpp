#include "kernel/ledger/facade/runtime.hpp"

#include "kernel/base/strings.hpp"
#include "kernel/ledger/facade/runtime_table.hpp"
#include "kernel/ledger/substrate/scale.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace trellis::ledger::facade {
namespace {

using namespace substrate;

/// Walks over one text of the table. What does not fit sets `bad`.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) { SkipBlanks(); }

  bool Take(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    Drop(token.size());
    return true;
  }
  void Expect(std::string_view token) { bad_ |= !Take(token); }
  std::string Word() {
    std::size_t size = 0;
    while (size < rest_.size() && IsWord(rest_[size]))
      ++size;
    bad_ |= size == 0;
    std::string word(rest_.substr(0, size));
    Drop(size);
    return word;
  }
  [[nodiscard]] bool AtDigit() const {
    return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9';
  }
  std::uint32_t Number() {
    auto const number = strings::ParseNumber<std::uint32_t>(Word());
    bad_ |= !number;
    return number.value_or(0);
  }
  [[nodiscard]] bool done() const { return rest_.empty() || bad_; }
  [[nodiscard]] bool bad() const { return bad_; }

 private:
  static bool IsWord(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  }
  void Drop(std::size_t size) {
    rest_.remove_prefix(size);
    SkipBlanks();
  }
  void SkipBlanks() {
    while (rest_.starts_with(' '))
      rest_.remove_prefix(1);
  }
  std::string_view rest_;
  bool bad_ = false;
};

constexpr std::array<std::string_view, 15> kPrimitives{"bool", "char", "str",  "u8",   "u16",
                                                       "u32",  "u64",  "u128", "u256", "i8",
                                                       "i16",  "i32",  "i64",  "i128", "i256"};

class Builder {
 public:
  Result<Metadata> Build() {
    for (auto const& row : table::kTypes)
      Define(row);
    for (auto const& row : table::kPallets)
      AddPallet(row);
    Outer("RuntimeCall", &Pallet::calls);
    Outer("RuntimeEvent", &Pallet::events);
    for (auto const& row : table::kStorage)
      AddStorage(row);
    for (auto const& row : table::kConstants)
      AddConstant(row);
    for (auto const& row : table::kExtensions) {
      out_.extensions.push_back({.name = std::string(row.name),
                                 .type = TypeOf(row.type),
                                 .additional = TypeOf(row.additional)});
    }
    out_.extrinsic = TypeOf("UncheckedExtrinsic");
    out_.runtime = TypeOf("()");
    for (auto const& [name, id] : ids_)
      if (!defined_.contains(id)) Complain(name);
    if (!complaint_.empty()) return Fail(Code::kInternal, "runtime table: '{}'", complaint_);
    return std::move(out_);
  }

 private:
  void Complain(std::string_view about) {
    if (complaint_.empty()) complaint_ = about;
  }

  /// The id of a name; the type may be defined later.
  TypeId IdOf(std::string const& name) {
    auto const [found, fresh] = ids_.try_emplace(name, static_cast<TypeId>(out_.types.size()));
    if (fresh) out_.types.emplace_back();
    return found->second;
  }
  TypeId Put(std::string const& name, Type type) {
    auto const id = IdOf(name);
    if (!defined_.insert(id).second) return id;
    out_.types[id] = std::move(type);
    return id;
  }
  static std::vector<std::string> PathOf(std::string_view text) {
    std::vector<std::string> path;
    for (auto const part : strings::Split(text, ':'))
      if (!part.empty()) path.emplace_back(part);
    return path;
  }

  TypeId TypeOf(std::string_view text) {
    Cursor cursor(text);
    auto const id = TypeOf(cursor);
    if (!cursor.done() || cursor.bad()) Complain(text);
    return id;
  }
  TypeId TypeOf(Cursor& in) {
    if (in.Take("Vec<")) {
      auto const item = TypeOf(in);
      in.Expect(">");
      return Put(fmt::format("Vec<{}>", item), {{}, {}, Sequence{item}});
    }
    if (in.Take("Compact<")) {
      auto const item = TypeOf(in);
      in.Expect(">");
      return Put(fmt::format("Compact<{}>", item), {{}, {}, CompactOf{item}});
    }
    if (in.Take("Option<")) {
      auto const item = TypeOf(in);
      in.Expect(">");
      return Option(item);
    }
    if (in.Take("[")) {
      auto const item = TypeOf(in);
      in.Expect(";");
      auto const size = in.Number();
      in.Expect("]");
      return Put(fmt::format("[{}; {}]", item, size), {{}, {}, Array{size, item}});
    }
    if (in.Take("(")) return TupleOf(TypesUntil(in, ")"));
    return Named(in.Word());
  }
  TypeId Option(TypeId item) {
    Choice choice;
    choice.variants.push_back({.name = "None", .fields = {}, .index = 0});
    choice.variants.push_back(
        {.name = "Some", .fields = {{.name = "", .type = item, .type_name = ""}}, .index = 1});
    return Put(fmt::format("Option<{}>", item), {{"Option"}, {{"T", item}}, std::move(choice)});
  }
  TypeId TupleOf(std::vector<TypeId> types) {
    auto name = fmt::format("({})", fmt::join(types, ","));
    return Put(name, {{}, {}, Tuple{std::move(types)}});
  }
  TypeId Named(std::string const& word) {
    if (word == "Bytes") return TypeOf("Vec<u8>");
    auto const found = std::ranges::find(kPrimitives, word);
    if (found == kPrimitives.end()) return IdOf(word);
    return Put(word, {{}, {}, static_cast<Primitive>(found - kPrimitives.begin())});
  }
  std::vector<TypeId> TypesUntil(Cursor& in, std::string_view end) {
    std::vector<TypeId> types;
    while (!in.Take(end) && !in.done()) {
      types.push_back(TypeOf(in));
      (void)in.Take(",");
    }
    return types;
  }

  /// `{name: type, ..}` or `(type, ..)` or nothing.
  std::vector<Field> Fields(Cursor& in) {
    std::vector<Field> fields;
    if (in.Take("(")) {
      for (auto const type : TypesUntil(in, ")"))
        fields.push_back({.name = "", .type = type, .type_name = ""});
    } else if (in.Take("{")) {
      while (!in.Take("}") && !in.done()) {
        auto& field = fields.emplace_back();
        field.name = in.Word();
        in.Expect(":");
        field.type = TypeOf(in);
        (void)in.Take(",");
      }
    }
    return fields;
  }
  Choice Variants(Cursor& in) {
    Choice choice;
    std::uint8_t next = 0;
    while (!in.done()) {
      if (in.AtDigit()) next = static_cast<std::uint8_t>(in.Number());
      auto& variant = choice.variants.emplace_back();
      variant.index = next++;
      variant.name = in.Word();
      variant.fields = Fields(in);
      (void)in.Take(",");
    }
    return choice;
  }
  void Define(table::TypeRow const& row) {
    Type type;
    type.path = PathOf(row.path);
    Cursor params(row.params);
    while (!params.done()) {
      auto& parameter = type.params.emplace_back();
      parameter.name = params.Word();
      params.Expect("=");
      parameter.type = TypeOf(params);
      (void)params.Take(",");
    }
    Cursor body(row.body);
    if (row.body.starts_with('{') || row.body.starts_with('(')) {
      type.shape = Composite{Fields(body)};
    } else {
      type.shape = Variants(body);
    }
    if (body.bad() || !body.done() || params.bad()) Complain(row.path);
    auto const name = type.path.back();
    Put(name, std::move(type));
  }

  std::optional<TypeId> EnumOf(table::PalletRow const& row, std::string_view kind,
                               std::string_view body) {
    if (body.empty()) return std::nullopt;
    Cursor in(body);
    Type type{PathOf(fmt::format("{}::{}", row.module, kind)), {}, Variants(in)};
    if (in.bad()) Complain(row.name);
    return Put(fmt::format("{}{}", row.name, kind), std::move(type));
  }
  void AddPallet(table::PalletRow const& row) {
    Pallet pallet;
    pallet.name = pallet.prefix = std::string(row.name);
    pallet.index = row.index;
    pallet.calls = EnumOf(row, "Call", row.calls);
    pallet.events = EnumOf(row, "Event", row.events);
    pallet.errors = EnumOf(row, "Error", row.errors);
    out_.pallets.push_back(std::move(pallet));
  }
  /// The enum over the pallets' calls or events.
  void Outer(std::string const& name, std::optional<TypeId> Pallet::*inner) {
    Choice choice;
    for (auto const& pallet : out_.pallets) {
      if (!(pallet.*inner)) continue;
      choice.variants.push_back(
          {.name = pallet.name,
           .fields = {{.name = "", .type = *(pallet.*inner), .type_name = ""}},
           .index = pallet.index});
    }
    Put(name, {{"tfchain_runtime", name}, {}, std::move(choice)});
  }
  Pallet& PalletOf(std::string_view name) {
    auto const found = std::ranges::find(out_.pallets, name, &Pallet::name);
    if (found == out_.pallets.end()) Complain(name);
    return found == out_.pallets.end() ? out_.pallets.front() : *found;
  }
  void AddStorage(table::StorageRow const& row) {
    StorageItem item;
    item.name = std::string(row.name);
    item.optional = row.value.starts_with('?');
    item.value = TypeOf(row.value.substr(item.optional ? 1 : 0));
    Cursor keys(row.keys);
    auto types = TypesUntil(keys, "end");
    item.hashers.assign(types.size(), Hasher::kBlake2b128Concat);
    if (types.size() == 1) item.key = types.front();
    if (types.size() > 1) item.key = TupleOf(std::move(types));
    Encoder zero;
    if (item.optional) {
      zero.U8(0);
    } else {
      Zero(item.value, zero);
    }
    item.fallback = zero.Take();
    auto& pallet = PalletOf(row.pallet);
    pallet.has_storage = true;
    pallet.storage.push_back(std::move(item));
  }
  /// The default of a type: zeros, empty lists, first variants.
  void Zero(TypeId type, Encoder& out) {
    auto const& shape = out_.types[type].shape;
    if (auto const* composite = std::get_if<Composite>(&shape)) {
      for (auto const& field : composite->fields)
        Zero(field.type, out);
    } else if (auto const* array = std::get_if<Array>(&shape)) {
      for (std::uint32_t i = 0; i < array->size; ++i)
        Zero(array->type, out);
    } else if (auto const* primitive = std::get_if<Primitive>(&shape)) {
      constexpr std::array<std::size_t, 15> kWidths{1,  4, 1, 1, 2, 4,  8, 16,
                                                    32, 1, 2, 4, 8, 16, 32};
      for (std::size_t i = 0; i < kWidths[static_cast<std::size_t>(*primitive)]; ++i)
        out.U8(0);
    } else {
      out.U8(0);  // an empty list, or a first variant; those of defaults carry nothing
    }
  }
  void AddConstant(table::ConstantRow const& row) {
    Constant constant{.name = std::string(row.name), .type = TypeOf(row.type), .value = {}};
    Encoder value;
    if (row.type == "u16") value.U16(static_cast<std::uint16_t>(row.value));
    if (row.type == "u32") value.U32(static_cast<std::uint32_t>(row.value));
    if (row.type == "u64") value.U64(row.value);
    constant.value = value.Take();
    PalletOf(row.pallet).constants.push_back(std::move(constant));
  }

  Metadata out_;
  std::map<std::string, TypeId> ids_;  // by name or written form
  std::set<TypeId> defined_;
  std::string complaint_;
};

}  // namespace

Result<Metadata> MakeRuntime() {
  return Builder().Build();
}

Result<std::shared_ptr<Runtime const>> Runtime::Make() {
  TRELLIS_TRY(auto metadata, MakeRuntime());
  return std::make_shared<Runtime const>(std::move(metadata));
}

Runtime::Runtime(Metadata made, std::uint32_t spec)
    : spec_version(spec),
      metadata(std::move(made)),
      encoded(EncodeMetadata(metadata)),
      codec(metadata) {
  auto const called = std::ranges::find_if(metadata.types, [](Type const& type) {
    return !type.path.empty() && type.path.back() == "RuntimeCall";
  });
  call = static_cast<TypeId>(called - metadata.types.begin());
  events = metadata.FindStorage("System", "Events")->value;
}

}  // namespace trellis::ledger::facade
