#include "kernel/ledger/facade/graphql.hpp"

#include "kernel/base/strings.hpp"

namespace trellis::ledger::facade {
namespace {

bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

class Parser {
 public:
  Parser(std::string_view text, json::Value const& variables) : text_(text), variables_(variables) {
    Skip();
  }

  Result<std::vector<GqlField>> Document() {
    if (Name() == "query") {
      (void)TakeName();
      if (!Name().empty()) (void)TakeName();
      if (Peek() == '(') TRELLIS_CHECK(SkipDefinitions());
    }
    TRELLIS_TRY(auto fields, Selection(0));
    if (at_ != text_.size()) return Wrong("the end");
    return fields;
  }

 private:
  [[nodiscard]] tl::unexpected<Error> Wrong(std::string_view expected) const {
    return Fail(Code::kDecode, "query: expected {} at character {}", expected, at_);
  }
  [[nodiscard]] char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(char c) {
    if (Peek() != c || at_ >= text_.size()) return false;
    ++at_;
    Skip();
    return true;
  }
  /// Blanks, commas and comments mean nothing.
  void Skip() {
    while (at_ < text_.size()) {
      if (Peek() == '#') {
        while (at_ < text_.size() && Peek() != '\n')
          ++at_;
      } else if (std::string_view(" \t\r\n,").find(Peek()) != std::string_view::npos) {
        ++at_;
      } else {
        return;
      }
    }
  }
  [[nodiscard]] std::string_view Name() const {
    std::size_t end = at_;
    if (end < text_.size() && IsNameStart(text_[end])) {
      while (end < text_.size() && (IsNameStart(text_[end]) || IsDigit(text_[end])))
        ++end;
    }
    return text_.substr(at_, end - at_);
  }
  std::string TakeName() {
    std::string name(Name());
    at_ += name.size();
    Skip();
    return name;
  }
  /// `($name: Type!, ..)`: the variables come with their values, the types do not matter.
  Result<void> SkipDefinitions() {
    auto const end = text_.find(')', at_);
    if (end == std::string_view::npos) return Wrong("')'");
    at_ = end + 1;
    Skip();
    return {};
  }

  Result<std::vector<GqlField>> Selection(int depth) {
    if (depth > kMaxGqlDepth) return Fail(Code::kDecode, "query: nested too deep");
    if (!Take('{')) return Wrong("'{'");
    std::vector<GqlField> fields;
    while (!Take('}')) {
      if (++fields_ > kMaxGqlFields) return Fail(Code::kDecode, "query: too many fields");
      TRELLIS_TRY(auto field, Field(depth));
      fields.push_back(std::move(field));
    }
    return fields;
  }
  Result<GqlField> Field(int depth) {
    GqlField field;
    field.name = TakeName();
    if (field.name.empty()) return Wrong("a name");
    field.alias = field.name;
    if (Take(':')) field.name = TakeName();
    if (field.name.empty()) return Wrong("a name");
    if (Peek() == '(') {
      TRELLIS_TRY(field.arguments, Members('(', ')', depth));
    }
    if (Peek() == '{') {
      TRELLIS_TRY(field.fields, Selection(depth + 1));
    }
    return field;
  }
  Result<boost::json::object> Members(char open, char close, int depth) {
    boost::json::object members;
    if (!Take(open)) return Wrong("an opening bracket");
    while (!Take(close)) {
      auto const name = TakeName();
      if (name.empty() || !Take(':')) return Wrong("a name and ':'");
      TRELLIS_TRY(members[name], Value(depth + 1));
    }
    return members;
  }
  Result<json::Value> Value(int depth) {
    if (depth > kMaxGqlDepth) return Fail(Code::kDecode, "query: nested too deep");
    char const c = Peek();
    if (c == '$') return Variable();
    if (c == '"') return String();
    if (c == '-' || IsDigit(c)) return Number();
    if (c == '{') {
      TRELLIS_TRY(auto members, Members('{', '}', depth));
      return json::Value(std::move(members));
    }
    if (c == '[') return List(depth);
    auto const name = TakeName();
    if (name.empty()) return Wrong("a value");
    if (name == "true" || name == "false") return json::Value(name == "true");
    if (name == "null") return json::Value(nullptr);
    return json::Value(name);
  }
  Result<json::Value> Variable() {
    ++at_;
    auto const name = TakeName();
    auto const* const given = variables_.if_object();
    auto const* const value = given == nullptr ? nullptr : given->if_contains(name);
    return value == nullptr ? json::Value(nullptr) : *value;
  }
  Result<json::Value> List(int depth) {
    (void)Take('[');
    boost::json::array list;
    while (!Take(']')) {
      TRELLIS_TRY(auto value, Value(depth + 1));
      list.push_back(std::move(value));
    }
    return json::Value(std::move(list));
  }
  Result<json::Value> Number() {
    auto end = at_ + 1;
    while (end < text_.size() && IsDigit(text_[end]))
      ++end;
    auto const number = strings::ParseNumber<std::int64_t>(text_.substr(at_, end - at_));
    if (!number) return Wrong("a whole number");
    at_ = end;
    Skip();
    return json::Value(*number);
  }
  /// Its escapes are those of JSON.
  Result<json::Value> String() {
    auto end = at_ + 1;
    while (end < text_.size() && text_[end] != '"')
      end += text_[end] == '\\' ? std::size_t{2} : std::size_t{1};
    if (end >= text_.size()) return Wrong("the end of a string");
    auto value = json::ParseValue(text_.substr(at_, end + 1 - at_));
    if (!value) return Wrong("a string");
    at_ = end + 1;
    Skip();
    return value;
  }

  std::string_view text_;
  json::Value const& variables_;
  std::size_t at_ = 0;
  std::size_t fields_ = 0;
};

}  // namespace

Result<std::vector<GqlField>> ParseGraphql(std::string_view document,
                                           json::Value const& variables) {
  return Parser(document, variables).Document();
}

}  // namespace trellis::ledger::facade
