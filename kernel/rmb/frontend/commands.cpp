#include "kernel/rmb/frontend/commands.hpp"

#include "kernel/base/strings.hpp"
#include "kernel/rmb/resp.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace trellis::rmb {
namespace {

constexpr std::size_t kAnyNumber = SIZE_MAX;
constexpr char const* kNotInteger = "ERR value is not an integer or out of range";

CommandResult Ok() {
  return {RespSimple("OK"), std::nullopt, false};
}
CommandResult Wrong(std::string_view text) {
  return {RespError(text), std::nullopt, false};
}
CommandResult Number(std::int64_t number) {
  return {RespInteger(number), std::nullopt, false};
}
CommandResult Bulk(std::optional<std::string> const& text) {
  return {text.has_value() ? RespBulk(*text) : RespNull(), std::nullopt, false};
}

/// Seconds with a fraction, as BLPOP takes them; 0 = for ever.
std::optional<std::chrono::milliseconds> ParseSeconds(std::string const& text) {
  constexpr double kLongest = 1e9;
  double seconds = 0;
  auto const [end, failed] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  bool const good = failed == std::errc() && end == text.data() + text.size() && seconds >= 0 &&
                    seconds <= kLongest;
  if (!good) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(seconds * 1000)));
}

}  // namespace

struct Commands::Entry {
  std::string_view name;
  std::size_t least = 0;  ///< words after the name
  std::size_t most = 0;
  std::size_t first_key = 0;  ///< index among them
  std::size_t last_key = 0;   ///< how many at the end are no keys, counted from behind
  Handler handler = nullptr;
};

Commands::Entry const* Commands::Find(std::string_view name) {
  constexpr std::size_t kNoKeys = SIZE_MAX;
  static constexpr std::array<Entry, 17> kEntries{
      Entry{"ping", 0, 1, kNoKeys, 0, &Commands::Ping},
      Entry{"auth", 1, 2, kNoKeys, 0, &Commands::Auth},
      Entry{"select", 1, 1, kNoKeys, 0, &Commands::Select},
      Entry{"quit", 0, 0, kNoKeys, 0, &Commands::Quit},
      Entry{"lpush", 2, kAnyNumber, 0, kAnyNumber, &Commands::LeftPush},
      Entry{"rpush", 2, kAnyNumber, 0, kAnyNumber, &Commands::RightPush},
      Entry{"lpop", 1, 1, 0, 0, &Commands::LeftPop},
      Entry{"rpop", 1, 1, 0, 0, &Commands::RightPop},
      Entry{"blpop", 2, kAnyNumber, 0, 1, &Commands::BlockingLeftPop},
      Entry{"brpop", 2, kAnyNumber, 0, 1, &Commands::BlockingRightPop},
      Entry{"llen", 1, 1, 0, 0, &Commands::Length},
      Entry{"ltrim", 3, 3, 0, 2, &Commands::Trim},
      Entry{"del", 1, kAnyNumber, 0, 0, &Commands::Delete},
      Entry{"expire", 2, 2, 0, 1, &Commands::Expire},
      Entry{"ttl", 1, 1, 0, 0, &Commands::TimeToLive},
      Entry{"set", 2, 4, 0, kAnyNumber, &Commands::Set},
      Entry{"get", 1, 1, 0, 0, &Commands::Get}};
  auto const lower = strings::ToLower(name);
  auto const* const found = std::find_if(kEntries.begin(), kEntries.end(),
                                         [&](auto const& entry) { return entry.name == lower; });
  return found == kEntries.end() ? nullptr : found;
}

CommandResult Commands::Run(std::vector<std::string>& words) {
  if (words.empty()) return {};
  auto const* const entry = Find(words.front());
  if (entry == nullptr) return Wrong("ERR unknown command: only message lists are served here");
  Words const rest = Words(words).subspan(1);
  if (rest.size() < entry->least || rest.size() > entry->most)
    return Wrong(fmt::format("ERR wrong number of arguments for '{}' command", entry->name));
  if (entry->first_key == 0) {
    auto const keys = entry->last_key == kAnyNumber ? 1 : rest.size() - entry->last_key;
    for (auto const& key : rest.first(keys)) {
      if (!lists_.Allows(key)) return Wrong("ERR no such message list");
    }
  }
  return (this->*entry->handler)(rest);
}

CommandResult Commands::Ping(Words words) {
  if (words.empty()) return {RespSimple("PONG"), std::nullopt, false};
  return Bulk(words[0]);
}
CommandResult Commands::Auth(Words /*words*/) {
  return Ok();  // who reaches the socket may use it
}
CommandResult Commands::Select(Words words) {
  return words[0] == "0" ? Ok() : Wrong("ERR DB index is out of range");
}
CommandResult Commands::Quit(Words /*words*/) {
  auto result = Ok();
  result.quit = true;
  return result;
}

CommandResult Commands::LeftPush(Words words) {
  return Push(words, End::kLeft);
}
CommandResult Commands::RightPush(Words words) {
  return Push(words, End::kRight);
}

CommandResult Commands::Push(Words words, End end) {
  auto const& list = words[0];
  auto const now = clock_.UnixSeconds();
  bool const to_peer = list == Lists::kRequests || list == Lists::kReplies;
  std::size_t length = 0;
  for (auto& element : words.subspan(1)) {
    if (to_peer) {
      hooks_.take(list, element);
      continue;
    }
    auto const pushed = lists_.Push(list, end, std::move(element), now);
    if (!pushed) return Wrong("OOM " + pushed.error().message);
    length = *pushed;
  }
  if (to_peer) return Number(static_cast<std::int64_t>(words.size() - 1));
  hooks_.pushed(list);
  return Number(static_cast<std::int64_t>(length));
}

/// Whoever reads requests for a command is its service.
void Commands::NoteReader(std::string const& list) {
  if (list.starts_with(Lists::kPrefix) && !list.starts_with(Lists::kSystem))
    hooks_.listens(std::string_view(list).substr(Lists::kPrefix.size()));
}

CommandResult Commands::LeftPop(Words words) {
  return Pop(words, End::kLeft);
}
CommandResult Commands::RightPop(Words words) {
  return Pop(words, End::kRight);
}
CommandResult Commands::Pop(Words words, End end) {
  NoteReader(words[0]);
  return Bulk(lists_.Pop(words[0], end));
}

CommandResult Commands::BlockingLeftPop(Words words) {
  return Block(words, End::kLeft);
}
CommandResult Commands::BlockingRightPop(Words words) {
  return Block(words, End::kRight);
}

CommandResult Commands::Block(Words words, End end) {
  auto const limit = ParseSeconds(words.back());
  if (!limit.has_value()) return Wrong("ERR timeout is not a float or out of range");
  BlockedPop wish;
  wish.end = end;
  if (limit->count() > 0) wish.limit = limit;
  for (auto const& list : words.first(words.size() - 1)) {
    NoteReader(list);
    wish.lists.push_back(list);
  }
  if (auto answer = TryPop(wish)) return {*std::move(answer), std::nullopt, false};
  return {"", std::move(wish), false};
}

std::optional<std::string> Commands::TryPop(BlockedPop const& wish) {
  for (auto const& list : wish.lists) {
    auto element = lists_.Pop(list, wish.end);
    if (!element.has_value()) continue;
    std::array<std::string, 2> const pair{list, *std::move(element)};
    return RespArray(pair);
  }
  return std::nullopt;
}

CommandResult Commands::Length(Words words) {
  NoteReader(words[0]);
  return Number(static_cast<std::int64_t>(lists_.Length(words[0])));
}

CommandResult Commands::Trim(Words words) {
  auto const first = strings::ParseNumber<std::int64_t>(words[1]);
  auto const last = strings::ParseNumber<std::int64_t>(words[2]);
  if (!first || !last) return Wrong(kNotInteger);
  lists_.Trim(words[0], *first, *last);
  return Ok();
}

CommandResult Commands::Delete(Words words) {
  auto const removed = std::count_if(words.begin(), words.end(),
                                     [this](auto const& name) { return lists_.Remove(name); });
  return Number(removed);
}

CommandResult Commands::Expire(Words words) {
  constexpr std::int64_t kLongest = 1'000'000'000;
  auto const seconds = strings::ParseNumber<std::int64_t>(words[1]);
  if (!seconds || *seconds > kLongest) return Wrong(kNotInteger);
  if (*seconds <= 0) return Number(lists_.Remove(words[0]) ? 1 : 0);
  return Number(lists_.Expire(words[0], clock_.UnixSeconds() + *seconds) ? 1 : 0);
}

CommandResult Commands::TimeToLive(Words words) {
  auto const until = lists_.ExpiryOf(words[0]);
  if (!until.has_value()) return Number(-2);
  return Number(*until == 0 ? -1 : std::max<std::int64_t>(0, *until - clock_.UnixSeconds()));
}

CommandResult Commands::Set(Words words) {
  std::optional<std::int64_t> until;
  if (words.size() == 4) {
    auto const seconds = strings::ParseNumber<std::int32_t>(words[3]);
    if (!strings::EqualsIgnoringCase(words[2], "ex") || !seconds || *seconds <= 0)
      return Wrong("ERR syntax error");
    until = clock_.UnixSeconds() + *seconds;
  } else if (words.size() != 2) {
    return Wrong("ERR syntax error");
  }
  auto const set = lists_.Set(words[0], std::move(words[1]), until);
  return set ? Ok() : Wrong("OOM " + set.error().message);
}

CommandResult Commands::Get(Words words) {
  return Bulk(lists_.Get(words[0]));
}

}  // namespace trellis::rmb
