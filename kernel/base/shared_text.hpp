// Long texts that many hold and nobody changes.
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace trellis {

/// A text that is copied by counting. Any thread may hold a copy of its own.
class SharedText {
 public:
  SharedText() = default;
  template <class Text>
  requires(!std::same_as<std::remove_cvref_t<Text>, SharedText> &&
           std::constructible_from<std::string, Text>)
      SharedText(Text&& text) {  // NOLINT: a text like any other
    std::string own(std::forward<Text>(text));
    if (!own.empty()) text_ = std::make_shared<std::string const>(std::move(own));
  }

  [[nodiscard]] std::string const& str() const {
    static std::string const kEmpty;
    return text_ == nullptr ? kEmpty : *text_;
  }
  operator std::string const&() const { return str(); }  // NOLINT(google-explicit-constructor)
  operator std::string_view() const { return str(); }    // NOLINT(google-explicit-constructor)
  [[nodiscard]] bool empty() const { return text_ == nullptr; }
  [[nodiscard]] std::size_t size() const { return str().size(); }
  void clear() { text_.reset(); }

  friend bool operator==(SharedText const& a, SharedText const& b) {
    return a.text_ == b.text_ || a.str() == b.str();
  }
  template <std::convertible_to<std::string_view> Text>
  requires(!std::same_as<Text, SharedText>) friend bool operator==(SharedText const& a,
                                                                   Text const& b) {
    return a.str() == std::string_view(b);
  }

 private:
  std::shared_ptr<std::string const> text_;  // among all copies; null = ""
};

}  // namespace trellis

template <>
struct fmt::formatter<trellis::SharedText> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(trellis::SharedText const& text, Context& context) const {
    return fmt::formatter<std::string_view>::format(text.str(), context);
  }
};
