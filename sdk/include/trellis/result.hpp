// Errors as values: Error, Result<T>, Fail, Invalid and the two statement macros.
#pragma once

#include <fmt/format.h>

#include <tl/expected.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace trellis {

/// Error classes. The values are the plugin ABI's statuses (abi.h); kInternal is TRL_FAULT.
enum class Code : std::int32_t {
  kInvalid = -1,
  kDecode = -2,
  kNotFound = -3,
  kExists = -4,
  kUnsupported = -5,
  kDenied = -6,
  kCancelled = -7,
  kTimeout = -8,
  kUnavailable = -9,
  kExhausted = -10,
  kConflict = -11,
  kIo = -12,
  kInternal = -13,
  kCrashed = -14,  // host side only: the plugin's process died during the call
  kAbi = -15,      // host side only: a peer's struct is too small or of another version
  kBusy = -16,
};

/// What went wrong: a class for code, one sentence for people (lower case, no final dot, names in
/// single quotes).
struct Error {
  Code code = Code::kInternal;
  std::string message;

  /// The same error with context in front: `attach disk 'data': <message>`.
  template <class... Args>
  [[nodiscard]] Error With(fmt::format_string<Args...> format, Args&&... args) && {
    message = fmt::format(format, std::forward<Args>(args)...) + ": " + message;
    return std::move(*this);
  }
};

/// A value or an Error. Dropping one is a warning.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(tl::expected<T, Error>
             other)  // NOLINT(google-explicit-constructor): map_error returns the base
      : tl::expected<T, Error>(std::move(other)) {}
};

/// `return Fail(Code::kNotFound, "no disk '{}'", name);`
template <class... Args>
[[nodiscard]] tl::unexpected<Error> Fail(Code code, fmt::format_string<Args...> format,
                                         Args&&... args) {
  return tl::unexpected<Error>(Error{code, fmt::format(format, std::forward<Args>(args)...)});
}

/// A refusal of `Valid` or `Precheck` with its reason code: message `[<reason>] <sentence>`.
template <class... Args>
[[nodiscard]] tl::unexpected<Error> Invalid(std::string_view reason,
                                            fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected<Error>(
      Error{Code::kInvalid,
            fmt::format("[{}] {}", reason, fmt::format(format, std::forward<Args>(args)...))});
}

}  // namespace trellis

#define TRELLIS_CONCAT_(a, b) a##b
#define TRELLIS_CONCAT(a, b) TRELLIS_CONCAT_(a, b)

#define TRELLIS_TRY_(temporary, declaration, expression)                                   \
  auto temporary = (expression);                                                           \
  if (!temporary) return ::tl::unexpected<::trellis::Error>(std::move(temporary).error()); \
  declaration = *std::move(temporary)
/// `TRELLIS_TRY(auto slot, pool.Find(size));` returns the error, or binds the value. A statement,
/// not an expression.
#define TRELLIS_TRY(declaration, expression)                           \
  TRELLIS_TRY_(TRELLIS_CONCAT(trellis_try_, __COUNTER__), declaration, \
               expression)  // NOLINT(bugprone-macro-parentheses)

#define TRELLIS_CHECK_(temporary, expression)    \
  if (auto temporary = (expression); !temporary) \
  return ::tl::unexpected<::trellis::Error>(std::move(temporary).error())
/// `TRELLIS_CHECK(pool.Mark(slot));` returns the error of a Result whose value is not needed.
#define TRELLIS_CHECK(expression) \
  TRELLIS_CHECK_(TRELLIS_CONCAT(trellis_check_, __COUNTER__), expression)
