#include "plugins/zmachine/startup_toml.hpp"

#include <toml++/toml.h>

namespace trellis::plugins::zmachine {
namespace {

std::string QuotedArgument(std::string_view text) {
  std::string out = "\"";
  for (char const c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

tl::unexpected<Error> Unreadable() {
  return Fail(Code::kInvalid, "failed to apply startup config from flist");
}

}  // namespace

Result<ImageStart> ParseStartupToml(std::string_view text) {
  try {
    auto const document = toml::parse(text);
    auto const entry = document["startup"]["entry"];
    ImageStart out;
    if (!entry) return out;
    auto const kind = entry["name"].value_or(std::string());
    if (kind != "core.system" && kind != "core.base") return Unreadable();
    auto const args = entry["args"];
    out.entrypoint = args["name"].value_or(std::string());
    out.dir = args["dir"].value_or(std::string());
    if (auto const* list = args["args"].as_array()) {
      for (auto const& item : *list) {
        auto const word = item.value<std::string>();
        if (!word) return Unreadable();
        out.entrypoint += " " + QuotedArgument(*word);
      }
    }
    if (auto const* table = args["env"].as_table()) {
      for (auto const& [key, value] : *table) {
        auto const plain = value.value<std::string>();
        if (!plain) return Unreadable();
        out.env.emplace(std::string(key.str()), *plain);
      }
    }
    return out;
  } catch (toml::parse_error const&) {
    return Unreadable();
  }
}

}  // namespace trellis::plugins::zmachine
