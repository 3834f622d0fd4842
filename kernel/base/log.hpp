// One log line per event: a fixed message and fields. Only top functions log; libraries return
// errors.
#pragma once

#include <trellis/result.hpp>

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace trellis::log {

enum class Level : std::uint8_t { kDebug, kInfo, kWarn, kError };
enum class Format : std::uint8_t { kText, kJson };

/// Name and value of one field. Borrows its texts: only good as an argument of a log call.
class Field {
 public:
  using Value = std::variant<std::int64_t, std::uint64_t, double, bool, std::string_view>;

  template <class T>
  requires std::is_arithmetic_v<T> Field(std::string_view name, T value)
      : name_(name), value_(Widen(value)) {}
  Field(std::string_view name, std::string_view value) : name_(name), value_(value) {}
  Field(std::string_view name, char const* value) : name_(name), value_(std::string_view(value)) {}
  Field(std::string_view name, std::string const& value)
      : name_(name), value_(std::string_view(value)) {}
  Field(std::string_view name, Error const& error)
      : name_(name), value_(std::string_view(error.message)) {}

  [[nodiscard]] std::string_view name() const { return name_; }
  [[nodiscard]] Value const& value() const { return value_; }

 private:
  template <class T>
  static Value Widen(T value) {
    if constexpr (std::same_as<T, bool>) {
      return Value(std::in_place_type<bool>, value);
    } else if constexpr (std::floating_point<T>) {
      return Value(std::in_place_type<double>, value);
    } else if constexpr (std::signed_integral<T>) {
      return Value(std::in_place_type<std::int64_t>, value);
    } else {
      return Value(std::in_place_type<std::uint64_t>, value);
    }
  }

  std::string_view name_;
  Value value_;
};

using Fields = std::initializer_list<Field>;

/// Where and how lines go from now on; standard error, text, info before the first call. `file` ""
/// = standard error. kIo when the file cannot be opened. Call once, at start.
Result<void> Configure(Format format, std::string_view file);
/// Drops lines below `level`. Any time.
void SetLevel(Level level);
/// Would a line of the level be written? For those who would go to some length for one.
[[nodiscard]] bool IsOn(Level level);
/// debug, info, warn, error. kInvalid otherwise.
Result<Level> ParseLevel(std::string_view text);

/// Safe for use by several threads. Values are escaped: one event is always one line. Never pass a
/// secret.
void Debug(std::string_view message, Fields fields = {});
void Info(std::string_view message, Fields fields = {});
void Warn(std::string_view message, Fields fields = {});
void Error(std::string_view message, Fields fields = {});
/// The same for a level and fields that are only known at run time.
void Write(Level level, std::string_view message, std::span<Field const> fields);

}  // namespace trellis::log
