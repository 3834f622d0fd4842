// The lists and texts that local programs share with the peer: a small part of what Redis holds,
// bounded. No I/O.
#pragma once

#include <trellis/result.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace trellis::rmb {

struct ListLimits {
  std::size_t bytes = std::size_t{64} << 20U;  ///< of everything, names included
  std::size_t keys = 10000;
  std::size_t length = 10000;  ///< of one list; older elements are dropped
  std::int64_t reply_life_s = 300;
};

enum class End : std::uint8_t { kLeft, kRight };

/// Not thread-safe. Times are unix seconds.
class Lists {
 public:
  static constexpr std::string_view kPrefix = "msgbus.";
  static constexpr std::string_view kRequests = "msgbus.system.local";
  static constexpr std::string_view kReplies = "msgbus.system.reply";
  static constexpr std::string_view kSystem = "msgbus.system.";
  static constexpr std::string_view kBacklog = "msgbus.backlog.";

  explicit Lists(ListLimits const& limits = {}) : limits_(limits) {}

  /// May programs use the name? The prefix, but not what is the peer's own; and names of reply
  /// lists.
  [[nodiscard]] bool Allows(std::string_view name) const;
  /// Somebody waits for answers in the list: it may be used until a while after its last push.
  Result<void> Expect(std::string const& name, std::int64_t now);

  /// The new length. kExhausted when everything is full.
  Result<std::size_t> Push(std::string const& name, End end, std::string value, std::int64_t now);
  [[nodiscard]] std::optional<std::string> Pop(std::string const& name, End end);
  [[nodiscard]] std::size_t Length(std::string const& name) const;
  /// Keeps the elements from `first` to `last`, negative numbers count from the end.
  void Trim(std::string const& name, std::int64_t first, std::int64_t last);
  Result<void> Set(std::string const& name, std::string value, std::optional<std::int64_t> until);
  [[nodiscard]] std::optional<std::string> Get(std::string const& name) const;
  [[nodiscard]] bool Remove(std::string const& name);
  /// False: there is no such key.
  [[nodiscard]] bool Expire(std::string const& name, std::int64_t until);
  /// Empty: no such key; 0: lives for ever.
  [[nodiscard]] std::optional<std::int64_t> ExpiryOf(std::string const& name) const;
  /// Removes what has expired.
  void Sweep(std::int64_t now);
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Value {
    std::deque<std::string> list;
    std::optional<std::string> text;
    std::int64_t until = 0;  // 0 = for ever
    bool reply = false;      // a list that somebody waits for: stays when it is empty
  };
  using Values = std::map<std::string, Value, std::less<>>;

  Result<Values::iterator> Ensure(std::string const& name, std::size_t bytes);
  Values::iterator Erase(Values::iterator value);
  void EraseIfEmpty(Values::iterator value);
  std::string Take(Values::iterator value, End end);

  ListLimits limits_;
  Values values_;
  std::size_t bytes_ = 0;
};

}  // namespace trellis::rmb
