#include "kernel/plugin/registry.hpp"

#include <algorithm>

namespace trellis::plugin {

namespace {

std::string_view NameOf(Registry::Kind kind) {
  switch (kind) {
    case Registry::Kind::kType:
      return "type";
    case Registry::Kind::kService:
      return "service";
    case Registry::Kind::kCommand:
      return "command";
  }
  return "name";
}

}  // namespace

void Registry::Claim(Kind kind, std::string const& name, std::string const& plugin) {
  std::lock_guard const lock(mutex_);
  claims_.emplace(std::pair(kind, name), plugin);
}

std::shared_ptr<Registry> Registry::Stage(std::string const& plugin) const {
  auto staged = std::make_shared<Registry>();
  std::lock_guard const lock(mutex_);
  for (auto const& entries : {owners_, claims_}) {
    for (auto const& [key, owner] : entries) {
      if (owner != plugin) staged->claims_.emplace(key, owner);
    }
  }
  return staged;
}

std::shared_ptr<Registry> Registry::Snapshot(std::string const& plugin) const {
  auto copy = std::make_shared<Registry>();
  std::lock_guard const lock(mutex_);
  for (auto const& [key, owner] : owners_) {
    if (owner == plugin) copy->owners_.emplace(key, owner);
  }
  for (auto const& [name, type] : types_) {
    if (type->plugin == plugin) copy->types_.emplace(name, type);
  }
  for (auto const& [name, command] : commands_) {
    if (command.plugin == plugin) copy->commands_.emplace(name, command);
  }
  for (auto const& provider : providers_) {
    if (provider.plugin == plugin) copy->providers_.push_back(provider);
  }
  return copy;
}

void Registry::Adopt(std::string const& plugin, Registry const& other) {
  std::scoped_lock const lock(mutex_, other.mutex_);
  EraseAllOf(plugin);
  for (auto const& [key, owner] : other.owners_) {
    owners_.insert_or_assign(key, owner);
    claims_.insert_or_assign(key, owner);
  }
  for (auto const& [name, type] : other.types_)
    types_.insert_or_assign(name, type);
  for (auto const& [name, command] : other.commands_)
    commands_.insert_or_assign(name, command);
  providers_.insert(providers_.end(), other.providers_.begin(), other.providers_.end());
  ++revision_;
}

void Registry::EraseAllOf(std::string const& plugin) {
  std::erase_if(owners_, [&](auto const& entry) { return entry.second == plugin; });
  std::erase_if(claims_, [&](auto const& entry) { return entry.second == plugin; });
  std::erase_if(types_, [&](auto const& entry) { return entry.second->plugin == plugin; });
  std::erase_if(commands_, [&](auto const& entry) { return entry.second.plugin == plugin; });
  std::erase_if(providers_, [&](auto const& entry) { return entry.plugin == plugin; });
}

void Registry::AllowAgain(std::string const& plugin) {
  std::lock_guard const lock(mutex_);
  again_.insert(plugin);
}

Result<void> Registry::Take(Kind kind, std::string const& name, std::string const& plugin) {
  auto const claim = claims_.find({kind, name});
  auto const owner = owners_.find({kind, name});
  if (owner != owners_.end() && owner->second == plugin && again_.contains(plugin)) return {};
  bool const claimed = claim != claims_.end() && claim->second != plugin;
  if (owner != owners_.end() || claimed) {
    auto const& other = owner != owners_.end() ? owner->second : claim->second;
    if (other == kKernel) {
      return Fail(Code::kExists, "{} '{}' of plugin '{}' belongs to the kernel", NameOf(kind), name,
                  plugin);
    }
    return Fail(Code::kExists, "{} '{}' of plugin '{}' belongs to plugin '{}' already",
                NameOf(kind), name, plugin, other);
  }
  owners_.emplace(std::pair(kind, name), plugin);
  return {};
}

Result<void> Registry::AddType(TypeInfo type) {
  std::lock_guard const lock(mutex_);
  TRELLIS_CHECK(Take(Kind::kType, type.name, type.plugin));
  auto const name = type.name;
  types_.insert_or_assign(name, std::make_shared<TypeInfo const>(std::move(type)));
  ++revision_;  // a plugin may come up long after the others
  return {};
}

Result<void> Registry::AddService(std::string const& id, std::string const& plugin) {
  std::lock_guard const lock(mutex_);
  return Take(Kind::kService, id, plugin);
}

Result<void> Registry::AddCommand(CommandInfo const& command,
                                  std::vector<std::string> const& aliases,
                                  std::string const& plugin) {
  std::lock_guard const lock(mutex_);
  auto names = aliases;
  names.push_back(command.name);
  for (auto const& name : names) {
    TRELLIS_CHECK(Take(Kind::kCommand, name, plugin));
    CommandEntry entry{command, command.name, plugin};
    entry.info.name = name;
    commands_.insert_or_assign(name, std::move(entry));
  }
  return {};
}

Result<void> Registry::AddProvider(ProviderInfo provider) {
  std::lock_guard const lock(mutex_);
  auto const same = std::any_of(providers_.begin(), providers_.end(), [&](auto const& other) {
    return other.kind == provider.kind && other.name == provider.name &&
           other.plugin == provider.plugin;
  });
  if (same && again_.contains(provider.plugin)) return {};
  if (same)
    return Fail(Code::kExists, "provider '{}' of '{}' is registered already by plugin '{}'",
                provider.name, provider.kind, provider.plugin);
  providers_.push_back(std::move(provider));
  return {};
}

void Registry::Withdraw(std::string const& plugin) {
  std::lock_guard const lock(mutex_);
  std::erase_if(commands_, [&](auto const& entry) { return entry.second.plugin == plugin; });
  std::erase_if(owners_, [&](auto const& entry) {
    return entry.second == plugin && entry.first.first != Kind::kType;
  });
  std::erase_if(providers_, [&](auto const& entry) { return entry.plugin == plugin; });
}

std::shared_ptr<TypeInfo const> Registry::Type(std::string_view name) const {
  std::lock_guard const lock(mutex_);
  auto const found = types_.find(name);
  return found == types_.end() ? nullptr : found->second;
}

std::vector<TypeInfo> Registry::Types() const {
  std::lock_guard const lock(mutex_);
  std::vector<TypeInfo> types;
  for (auto const& [name, type] : types_)
    types.push_back(*type);
  return types;
}

std::vector<std::string> Registry::TypesOf(std::string_view plugin) const {
  std::lock_guard const lock(mutex_);
  std::vector<std::string> names;
  for (auto const& [name, type] : types_) {
    if (type->plugin == plugin) names.push_back(name);
  }
  return names;
}

Registered Registry::Of(std::string_view plugin) const {
  Registered found;
  found.types = TypesOf(plugin);
  std::lock_guard const lock(mutex_);
  for (auto const& [key, owner] : owners_) {
    if (owner != plugin) continue;
    if (key.first == Kind::kService) found.services.push_back(key.second);
    if (key.first == Kind::kCommand) found.commands.push_back(key.second);
  }
  for (auto const& entry : providers_) {
    if (entry.plugin == plugin) found.providers.push_back(entry.kind + " " + entry.name);
  }
  return found;
}

std::string Registry::ServiceOwner(std::string_view id) const {
  std::lock_guard const lock(mutex_);
  auto const found = owners_.find({Kind::kService, std::string(id)});
  return found == owners_.end() ? std::string() : found->second;
}

std::vector<std::pair<std::string, std::string>> Registry::Services() const {
  std::lock_guard const lock(mutex_);
  std::vector<std::pair<std::string, std::string>> services;
  for (auto const& [key, owner] : owners_) {
    if (key.first == Kind::kService) services.emplace_back(key.second, owner);
  }
  return services;
}

std::optional<CommandEntry> Registry::Command(std::string_view name) const {
  std::lock_guard const lock(mutex_);
  auto const found = commands_.find(name);
  if (found == commands_.end()) return std::nullopt;
  return found->second;
}

std::vector<ProviderInfo> Registry::Providers(std::string_view kind) const {
  std::lock_guard const lock(mutex_);
  std::vector<ProviderInfo> found;
  for (auto const& entry : providers_) {
    if (entry.kind == kind) found.push_back(entry);
  }
  return found;
}

}  // namespace trellis::plugin
