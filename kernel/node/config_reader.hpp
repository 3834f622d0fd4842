// Reading a configuration key by key, so that the first mistake is told with its line.
#pragma once

#include "kernel/node/config.hpp"

#include <trellis/result.hpp>

#include <fmt/format.h>

#include <toml++/toml.h>

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trellis::node {

/// Reads keys by dotted path and remembers which ones it knows.
class Reader {
 public:
  Reader(toml::table const& root, std::filesystem::path file)
      : root_(root), file_(std::move(file)) {}

  template <class T>
  void Read(std::string_view path, T& out) {
    known_.emplace(path);
    auto const found = root_.at_path(path);
    if (!found || !error_.empty()) return;
    if constexpr (std::same_as<T, bool>) {
      Take<bool>(path, found, out, "true or false");
    } else if constexpr (std::floating_point<T>) {
      auto const number = found.template value<double>();
      if (!number.has_value()) return Complain(path, "expected a number");
      out = *number;
    } else if constexpr (std::integral<T>) {
      std::int64_t number = 0;
      if (!Take<std::int64_t>(path, found, number, "a whole number")) return;
      if (!std::in_range<T>(number))
        return Complain(path, fmt::format("{} is out of range", number));
      out = static_cast<T>(number);
    } else {
      Take<std::string>(path, found, out, "a text");
    }
  }
  void Read(std::string_view path, std::filesystem::path& out) {
    std::string text;
    Read(path, text);
    if (!text.empty()) out = (file_.parent_path() / text).lexically_normal();
  }
  template <class T>
  void ReadList(std::string_view path, std::vector<T>& out) {
    known_.emplace(path);
    auto const found = root_.at_path(path);
    if (!found || !error_.empty()) return;
    auto const* list = found.as_array();
    if (list == nullptr) return Complain(path, "expected a list");
    out.clear();
    for (auto const& element : *list) {
      auto const value =
          element.value<std::conditional_t<std::integral<T>, std::int64_t, std::string>>();
      if (!value) return Complain(path, "a list element has the wrong type");
      if constexpr (std::integral<T>) {
        if (!std::in_range<T>(*value))
          return Complain(path, fmt::format("{} is out of range", *value));
      }
      out.push_back(static_cast<T>(*value));
    }
  }
  void ReadPlugins(std::map<std::string, PluginConfig>& out) {
    known_.emplace("plugin");
    auto const* plugins = root_["plugin"].as_table();
    if (plugins == nullptr) return;
    for (auto const& [name, node] : *plugins) {
      std::string const base = fmt::format("plugin.{}", name.str());
      if (!node.is_table()) return Complain(base, "expected a table");
      PluginConfig plugin;
      Read(base + ".enabled", plugin.enabled);
      Read(base + ".hosting", plugin.hosting);
      if (Has(base + ".permissions")) ReadList(base + ".permissions", plugin.permissions.emplace());
      Read(base + ".limits.memory", plugin.limits.memory_bytes);
      Read(base + ".limits.tasks", plugin.limits.tasks);
      CheckLimits(base + ".limits", plugin.limits);
      Read(base + ".config_version", plugin.config_version);
      Demand(base + ".config_version", plugin.config_version >= 1, "versions count from 1");
      known_.insert(base + ".config");
      if (auto const* config = node.as_table()->get_as<toml::table>("config"); config != nullptr) {
        std::ostringstream text;
        text << toml::json_formatter(*config);
        plugin.config_json = text.str();
      }
      if (!plugin.hosting.empty()) CheckHosting(base + ".hosting", plugin.hosting);
      out.insert_or_assign(std::string(name.str()), std::move(plugin));
    }
  }

  /// Less than this no plugin can start with.
  void CheckLimits(std::string const& base, plugin::HelperLimits const& limits) {
    constexpr std::uint64_t kLeastMemory = std::uint64_t{16} << 20U;
    constexpr std::uint32_t kLeastTasks = 8;
    Demand(base + ".memory", limits.memory_bytes >= kLeastMemory, "at least 16777216 (16 MiB)");
    Demand(base + ".tasks", limits.tasks >= kLeastTasks, "at least 8");
  }
  void CheckHosting(std::string_view path, std::string_view hosting) {
    Demand(path, hosting == "inline" || hosting == "process",
           fmt::format("unknown hosting '{}': use inline or process", hosting));
  }
  /// Complains about the key unless `good`.
  void Demand(std::string_view path, bool good, std::string_view what) {
    if (!good) Complain(path, what);
  }
  [[nodiscard]] bool Has(std::string_view path) const { return bool(root_.at_path(path)); }

  /// The first complaint, or the first key nobody asked for.
  Result<void> Finish() {
    if (error_.empty()) Walk(root_, "");
    if (!error_.empty()) return Fail(Code::kInvalid, "{}: {}", file_.string(), error_);
    return {};
  }

 private:
  template <class T, class Found>
  bool Take(std::string_view path, Found const& found, T& out, std::string_view what) {
    auto const value = found.template value_exact<T>();
    if (!value) {
      Complain(path, fmt::format("expected {}", what));
      return false;
    }
    out = *value;
    return true;
  }
  void Complain(std::string_view path, std::string_view what) {
    if (!error_.empty()) return;
    error_ = fmt::format("key '{}': {}", path, what);
    auto const found = root_.at_path(path);
    if (found) error_ += fmt::format(" (line {})", found.node()->source().begin.line);
  }
  void Walk(toml::table const& table, std::string const& prefix) {
    for (auto const& [key, node] : table) {
      auto const path =
          prefix.empty() ? std::string(key.str()) : fmt::format("{}.{}", prefix, key.str());
      bool const known = known_.contains(path);
      if (node.is_table() && (!known || path == "plugin")) {
        Walk(*node.as_table(), path);
      } else if (!known) {
        return Complain(path, "unknown key; config/trellis.toml lists all keys");
      }
      if (!error_.empty()) return;
    }
  }

  toml::table const& root_;
  std::filesystem::path file_;
  std::set<std::string, std::less<>> known_;
  std::string error_;
};

}  // namespace trellis::node
