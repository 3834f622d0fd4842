// The commands of the list front-end, as far as the older SDKs use them. No I/O.
#pragma once

#include "kernel/base/clock.hpp"
#include "kernel/rmb/frontend/lists.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace trellis::rmb {

/// A client that waits for an element of one of these lists.
struct BlockedPop {
  std::vector<std::string> lists;
  End end = End::kLeft;
  std::optional<std::chrono::milliseconds> limit;  ///< empty = for ever
};

/// What a command comes to: an answer, or waiting.
struct CommandResult {
  std::string answer;
  std::optional<BlockedPop> blocked;
  bool quit = false;
};

/// Belongs to the front-end's thread.
class Commands {
 public:
  struct Hooks {
    /// A message was pushed to a list that the peer reads: it takes it.
    std::function<void(std::string_view list, std::string const& text)> take;
    /// An element was pushed to a list.
    std::function<void(std::string const& list)> pushed;
    /// Somebody reads the requests for a command.
    std::function<void(std::string_view command)> listens;
  };
  Commands(Lists& lists, Clock const& clock, Hooks hooks)
      : lists_(lists), clock_(clock), hooks_(std::move(hooks)) {}

  [[nodiscard]] CommandResult Run(std::vector<std::string>& words);
  /// The answer to a blocked client, when one of its lists has an element.
  [[nodiscard]] std::optional<std::string> TryPop(BlockedPop const& wish);

 private:
  using Words = std::span<std::string>;
  using Handler = CommandResult (Commands::*)(Words words);
  struct Entry;

  static Entry const* Find(std::string_view name);
  CommandResult Ping(Words words);
  CommandResult Auth(Words words);
  CommandResult Select(Words words);
  CommandResult Quit(Words words);
  CommandResult LeftPush(Words words);
  CommandResult RightPush(Words words);
  CommandResult LeftPop(Words words);
  CommandResult RightPop(Words words);
  CommandResult BlockingLeftPop(Words words);
  CommandResult BlockingRightPop(Words words);
  CommandResult Length(Words words);
  CommandResult Trim(Words words);
  CommandResult Delete(Words words);
  CommandResult Expire(Words words);
  CommandResult TimeToLive(Words words);
  CommandResult Set(Words words);
  CommandResult Get(Words words);

  CommandResult Push(Words words, End end);
  CommandResult Pop(Words words, End end);
  CommandResult Block(Words words, End end);
  void NoteReader(std::string const& list);

  Lists& lists_;
  Clock const& clock_;
  Hooks hooks_;
};

}  // namespace trellis::rmb
