#include "kernel/grid/timestamp.hpp"

#include <chrono>
#include <optional>

namespace trellis::grid {
namespace {

// Reads fixed-width fields from the left.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  std::optional<int> Digits(std::size_t count) {
    if (rest_.size() < count) return std::nullopt;
    int value = 0;
    for (auto const c : rest_.substr(0, count)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }

  bool Take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  [[nodiscard]] bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

std::optional<std::int64_t> Date(Cursor& in) {
  auto const year = in.Digits(4);
  if (!year || !in.Take('-')) return std::nullopt;
  auto const month = in.Digits(2);
  if (!month || !in.Take('-')) return std::nullopt;
  auto const day = in.Digits(2);
  if (!day || !in.Take('T')) return std::nullopt;
  std::chrono::year_month_day const date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count();
}

std::optional<int> HoursAndMinutes(Cursor& in) {
  auto const hour = in.Digits(2);
  if (!hour || *hour > 23 || !in.Take(':')) return std::nullopt;
  auto const minute = in.Digits(2);
  if (!minute || *minute > 59) return std::nullopt;
  return *hour * 3600 + *minute * 60;
}

std::optional<int> Offset(Cursor& in) {
  if (in.Take('Z')) return 0;
  bool const east = in.Take('+');
  if (!east && !in.Take('-')) return std::nullopt;
  auto const seconds = HoursAndMinutes(in);
  if (!seconds) return std::nullopt;
  return east ? *seconds : -*seconds;
}

std::optional<std::int64_t> Seconds(std::string_view text) {
  Cursor in(text);
  auto const days = Date(in);
  if (!days) return std::nullopt;
  auto const clock = HoursAndMinutes(in);
  if (!clock || !in.Take(':')) return std::nullopt;
  auto const second = in.Digits(2);
  if (!second || *second > 59) return std::nullopt;
  if (in.Take('.')) {  // dropping it floors, before 1970 too
    if (!in.Digits(1)) return std::nullopt;
    while (in.Digits(1)) {
    }
  }
  auto const offset = Offset(in);
  if (!offset || !in.done()) return std::nullopt;
  return *days * 86400 + *clock + *second - *offset;
}

}  // namespace

Result<Timestamp> ParseRfc3339(std::string_view text) {
  auto const seconds = Seconds(text);
  if (!seconds) return Fail(Code::kDecode, "'{}' is no RFC 3339 time", text);
  return Timestamp{*seconds};
}

Result<void> Timestamp::FromRaw(Timestamp& out, std::string_view value) {
  if (value == "null") {
    out.seconds = 0;
    return {};
  }
  if (!value.starts_with('"')) return json::ParseInto(value, out.seconds);
  TRELLIS_TRY(auto const text, json::Parse<std::string>(value));
  TRELLIS_TRY(out, ParseRfc3339(text));
  return {};
}

}  // namespace trellis::grid
