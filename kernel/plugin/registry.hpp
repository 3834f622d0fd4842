// Who declared what: types, services, commands and providers of all plugins of the node.
#pragma once

#include "kernel/plugin/types.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trellis::plugin {

/// Who claims names that no plugin may take.
inline constexpr std::string_view kKernel = "@kernel";

struct CommandEntry {
  CommandInfo info;
  std::string canonical;  ///< the name that aliases stand for
  std::string plugin;
};

/// What a plugin registered, by name.
struct Registered {
  std::vector<std::string> types;
  std::vector<std::string> services;
  std::vector<std::string> commands;   ///< aliases too
  std::vector<std::string> providers;  ///< `<kind> <name>`
};

/// Thread-safe. A name that is taken, or claimed by another plugin's manifest, is refused with
/// kExists; the text names the item and both plugins.
class Registry {
 public:
  enum class Kind : std::uint8_t { kType, kService, kCommand };

  /// A registry for another version of the plugin: what others own or claim is refused there too.
  [[nodiscard]] std::shared_ptr<Registry> Stage(std::string const& plugin) const;
  /// What the plugin registered so far.
  [[nodiscard]] std::shared_ptr<Registry> Snapshot(std::string const& plugin) const;
  /// What is registered there takes the place of all that the plugin registered here, at once.
  void Adopt(std::string const& plugin, Registry const& other);
  /// Another number after each Adopt and AddType.
  [[nodiscard]] std::uint64_t revision() const { return revision_; }
  /// The plugin's next process registers again: names it owns are taken as they are.
  void AllowAgain(std::string const& plugin);
  /// A manifest says that `plugin` will register the name; the first claim counts.
  void Claim(Kind kind, std::string const& name, std::string const& plugin);
  Result<void> AddType(TypeInfo type);
  Result<void> AddService(std::string const& id, std::string const& plugin);
  Result<void> AddCommand(CommandInfo const& command, std::vector<std::string> const& aliases,
                          std::string const& plugin);
  Result<void> AddProvider(ProviderInfo provider);
  /// Removes services, commands and providers of a plugin that did not come up; its types stay
  /// known, so that requests for them can name the reason.
  void Withdraw(std::string const& plugin);

  /// As it was registered; null when nobody did.
  [[nodiscard]] std::shared_ptr<TypeInfo const> Type(std::string_view name) const;
  [[nodiscard]] std::vector<TypeInfo> Types() const;
  [[nodiscard]] std::vector<std::string> TypesOf(std::string_view plugin) const;
  [[nodiscard]] Registered Of(std::string_view plugin) const;
  /// "" when nobody registered it.
  [[nodiscard]] std::string ServiceOwner(std::string_view id) const;
  /// Ids with their plugins.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> Services() const;
  [[nodiscard]] std::optional<CommandEntry> Command(std::string_view name) const;
  [[nodiscard]] std::vector<ProviderInfo> Providers(std::string_view kind) const;

 private:
  void EraseAllOf(std::string const& plugin);
  Result<void> Take(Kind kind, std::string const& name, std::string const& plugin);

  mutable std::mutex mutex_;  // guards everything below
  std::map<std::pair<Kind, std::string>, std::string> claims_;
  std::map<std::pair<Kind, std::string>, std::string> owners_;
  std::map<std::string, std::shared_ptr<TypeInfo const>, std::less<>> types_;
  std::map<std::string, CommandEntry, std::less<>> commands_;
  std::vector<ProviderInfo> providers_;
  std::set<std::string, std::less<>> again_;  // plugins whose process was restarted
  std::atomic<std::uint64_t> revision_ = 0;
};

}  // namespace trellis::plugin
