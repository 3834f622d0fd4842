#include "tools/cli/app.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace trellis::cli {

void App::On(CLI::App* command, std::function<Result<void>()> function) {
  command->callback([this, function = std::move(function)] { chosen = function; });
}

void App::Print(json::Value const& value, std::string_view text) const {
  if (json) {
    fmt::print("{}\n", boost::json::serialize(value));
  } else if (!text.empty()) {
    fmt::print("{}{}", text, text.ends_with('\n') ? "" : "\n");
  }
  std::fflush(stdout);
}

void App::Progress(std::string_view text) const {
  if (json) return;
  fmt::print(stderr, "{}\n", text);
  std::fflush(stderr);
}

int Explain(App const& app, Error const& error) {
  if (app.json) {
    // A refusal of the node may carry its reason code in front: `[reason] sentence`.
    std::string reason;
    std::string message = error.message;
    if (auto const end = message.find("] "); message.starts_with('[') && end != std::string::npos) {
      reason = message.substr(1, end - 1);
      message = message.substr(end + 2);
    }
    boost::json::object const body{{"error", {{"message", message}, {"reason", reason}}}};
    fmt::print("{}\n", boost::json::serialize(body));
  } else {
    std::string_view message = error.message;
    if (auto const end = message.find("] ");
        message.starts_with('[') && end != std::string_view::npos)
      message.remove_prefix(end + 2);
    fmt::print(stderr, "trellis: {}\n", message);
  }
  return 1;
}

}  // namespace trellis::cli
