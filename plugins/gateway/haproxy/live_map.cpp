#include "plugins/gateway/haproxy/live_map.hpp"

#include "plugins/gateway/haproxy/lines.hpp"
#include "plugins/gateway/haproxy/run_file.hpp"

#include <fmt/format.h>

namespace trellis::plugins::gateway {

namespace {

constexpr std::size_t kMaxFile = std::size_t{64} << 20;

std::string Line(std::string const& key, std::string const& value) {
  return fmt::format("{} {}\n", key, value);
}

/// nullopt when it is no map, or has a key twice.
std::optional<LiveMap::Entries> ParseFile(std::string_view rest) {
  LiveMap::Entries entries;
  while (!rest.empty()) {
    auto const line = TakeLine(rest);
    auto const space = line.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    if (!entries.emplace(line.substr(0, space), line.substr(space + 1)).second) return std::nullopt;
  }
  return entries;
}

}  // namespace

std::string LiveMap::Text() const {
  std::string text;
  for (auto const& [key, value] : entries_)
    text += Line(key, value);
  return text;
}

Result<void> LiveMap::Reset(Entries entries) {
  entries_ = std::move(entries);
  rewrite_ = true;
  return Save();
}

void LiveMap::Change(std::string const& key, std::optional<std::string> const& value,
                     std::vector<std::string>& commands) {
  auto const known = entries_.find(key);
  bool const there = known != entries_.end();
  if (!value) {
    if (!there) return;
    entries_.erase(known);
    rewrite_ = true;
    commands.push_back(fmt::format("del map {} {}", path_, key));
  } else if (!there) {
    entries_.emplace(key, *value);
    appended_ += Line(key, *value);
    commands.push_back(fmt::format("add map {} {} {}", path_, key, *value));
  } else if (known->second != *value) {
    known->second = *value;
    rewrite_ = true;
    commands.push_back(fmt::format("set map {} {} {}", path_, key, *value));
  }
}

Result<void> LiveMap::Save() {
  if (rewrite_) {
    TRELLIS_CHECK(ReplaceRunFile(path_, Text()));
  } else if (!appended_.empty()) {
    TRELLIS_CHECK(AppendRunFile(path_, appended_));
  }
  rewrite_ = false;
  appended_.clear();
  return {};
}

Result<bool> LiveMap::RepairFile() {
  auto const text = ReadFile(path_, kMaxFile);
  if (text && ParseFile(*text) == entries_) return false;
  rewrite_ = true;
  TRELLIS_CHECK(Save());
  return true;
}

Result<std::vector<std::string>> LiveMap::Differences(AdminSocket const& admin) const {
  TRELLIS_TRY(auto const live, admin.ShowMap(path_));
  std::vector<std::string> commands;
  for (auto entry = live.begin(); entry != live.end(); entry = live.upper_bound(entry->first)) {
    auto const wanted = entries_.find(entry->first);
    if (wanted == entries_.end()) {
      commands.push_back(fmt::format("del map {} {}", path_, entry->first));
      continue;
    }
    bool same = true;
    for (auto same_key = entry; same_key != live.upper_bound(entry->first); ++same_key)
      same = same && same_key->second == wanted->second;
    if (!same)
      commands.push_back(fmt::format("set map {} {} {}", path_, wanted->first, wanted->second));
  }
  for (auto const& [key, value] : entries_) {
    if (!live.contains(key)) commands.push_back(fmt::format("add map {} {} {}", path_, key, value));
  }
  return commands;
}

}  // namespace trellis::plugins::gateway
