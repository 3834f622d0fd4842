#include "kernel/plugin/registrations.hpp"

#include "kernel/plugin/command_names.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstring>

namespace trellis::plugin {

namespace {

constexpr std::uint32_t kMinOpsSize = 64;  // through list_owned
constexpr std::uint32_t kDefaultRank = 5000;
constexpr std::uint32_t kDefaultParallel = 4;
constexpr std::uint32_t kDefaultPayload = 64U << 10U;
constexpr std::uint32_t kDefaultTimeoutMs = 5000;
constexpr std::uint32_t kMaxPayload = 1U << 20U;
constexpr std::uint32_t kMaxTimeoutMs = 20000;

constexpr std::size_t kMaxListed = 256;

Result<std::string> Name(trl_bytes bytes, std::string_view what) {
  auto const text = abi::View(bytes);
  if (text.empty() || text.size() > kMaxNameBytes || RepairText(text, kMaxNameBytes) != text)
    return Fail(Code::kInvalid, "the {} is not a name of 1 to 255 bytes", what);
  return std::string(text);
}

Result<std::vector<std::string>> NameList(trl_bytes const* list, std::size_t count,
                                          std::string_view what) {
  if (count > kMaxListed) return Fail(Code::kInvalid, "more than {} times {}", kMaxListed, what);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    TRELLIS_TRY(auto name, Name(list[i], what));
    names.push_back(std::move(name));
  }
  return names;
}

/// The plugin's table as the host knows it: nothing at or past its size is read, and a member that
/// its size cuts in two is absent.
trl_type_ops CopyOps(trl_type_ops const& theirs) {
  constexpr std::size_t kWord = sizeof(void*);
  trl_type_ops ours{};
  auto const known = std::min<std::size_t>(theirs.size, sizeof ours);
  std::memcpy(&ours, &theirs, known / kWord * kWord);
  ours.size = sizeof ours;
  return ours;
}

Result<void> CheckOps(trl_type_ops const* ops) {
  if (ops == nullptr || ops->size < kMinOpsSize)
    return Fail(Code::kAbi, "its operations have less than {} bytes", kMinOpsSize);
  if (ops->valid == nullptr || ops->challenge == nullptr || ops->capacity == nullptr ||
      ops->provision == nullptr || ops->deprovision == nullptr || ops->inspect == nullptr ||
      ops->list_owned == nullptr)
    return Fail(Code::kAbi, "a mandatory operation is missing");
  return {};
}

Result<void> CheckCommand(trl_command const& command, std::string_view name) {
  auto const bad = [&](std::string_view what) {
    return Fail(Code::kInvalid, "command '{}' {}", name, what);
  };
  if (command.fn == nullptr) return bad("has no function");
  if (command.auth < TRL_AUTH_ANY || command.auth > TRL_AUTH_ADMIN)
    return bad("asks for unknown authorization");

  if (command.max_payload > kMaxPayload) return bad("takes more than 1 MiB");
  if (command.timeout_ms > kMaxTimeoutMs) return bad("may take more than 20 seconds");
  return {};
}

}  // namespace

trl_status Registrations::Finish(HostTable& table, Result<void> const& done, trl_sink err) {
  if (done) return TRL_OK;
  // What is not granted is missing; the plugin decides whether it works without.
  if (done.error().code != Code::kDenied) {
    std::lock_guard const lock(table.mutex_);
    if (table.refused_.empty()) table.refused_ = done.error().message;
  }
  return Refuse(err, done.error());
}

Result<void> Registrations::TryType(HostTable& table, trl_type_desc const* desc) {
  if (!table.creating_) return Fail(Code::kAbi, "types are registered only inside create");
  if (desc == nullptr || desc->size < sizeof(trl_type_desc))
    return Fail(Code::kAbi, "a type description has less than {} bytes", sizeof(trl_type_desc));
  TypeInfo type;
  TRELLIS_TRY(type.name, Name(desc->name, "type name"));
  if (auto const fine = CheckOps(desc->ops); !fine)
    return Fail(fine.error().code, "type '{}': {}", type.name, fine.error().message);
  TRELLIS_TRY(type.after, NameList(desc->after, desc->after_count, "type name"));
  TypeCode const code{CopyOps(*desc->ops), desc->self};
  type.plugin = table.backend_.plugin();
  type.sharable = (desc->flags & TRL_TYPE_SHARABLE) != 0;
  type.updatable = code.ops.update != nullptr;
  type.has_precheck = code.ops.precheck != nullptr;
  type.pausable = code.ops.pause != nullptr && code.ops.resume != nullptr;
  type.rank = desc->rank == 0 ? kDefaultRank : desc->rank;
  type.max_parallel = desc->max_parallel == 0 ? kDefaultParallel : desc->max_parallel;
  auto const name = type.name;
  TRELLIS_CHECK(table.backend_.AddType(std::move(type)));
  table.types_.insert_or_assign(name, code);
  return {};
}

trl_status Registrations::AddType(HostTable& table, trl_type_desc const* desc, trl_sink err) {
  return Finish(table, TryType(table, desc), err);
}

Result<void> Registrations::TryService(HostTable& table, trl_bytes id, ServiceCode code) {
  if (!table.creating_) return Fail(Code::kAbi, "services are registered only inside create");
  TRELLIS_TRY(auto const name, Name(id, "service id"));
  if (code.run == nullptr) return Fail(Code::kInvalid, "service '{}' has no function", name);
  TRELLIS_CHECK(table.backend_.AddService(name));
  table.services_.insert_or_assign(name, code);
  return {};
}

trl_status Registrations::AddService(HostTable& table, trl_bytes id, ServiceCode code,
                                     trl_sink err) {
  return Finish(table, TryService(table, id, code), err);
}

Result<void> Registrations::TryCommand(HostTable& table, trl_command const* command) {
  if (!table.creating_) return Fail(Code::kAbi, "commands are added only inside create");
  if (command == nullptr || command->size < sizeof(trl_command))
    return Fail(Code::kAbi, "a command has less than {} bytes", sizeof(trl_command));
  CommandInfo info;
  TRELLIS_TRY(info.name, Name(command->name, "command name"));
  TRELLIS_TRY(auto aliases, NameList(command->aliases, command->alias_count, "command name"));
  auto names = aliases;
  names.push_back(info.name);
  for (auto const& name : names)
    TRELLIS_CHECK(CheckCommandName(name));
  TRELLIS_CHECK(CheckCommand(*command, info.name));
  info.auth = command->auth;
  info.flags = command->flags;
  info.max_payload = command->max_payload == 0 ? kDefaultPayload : command->max_payload;
  info.timeout_ms = command->timeout_ms == 0 ? kDefaultTimeoutMs : command->timeout_ms;
  info.max_parallel = command->max_parallel == 0 ? kDefaultParallel : command->max_parallel;
  if ((info.flags & TRL_COMMAND_MUTATING) != 0) info.max_parallel = 1;
  TRELLIS_CHECK(table.backend_.AddCommand(std::move(info), std::move(aliases)));
  for (auto const& name : names)
    table.commands_.insert_or_assign(name, CommandCode{command->fn, command->self});
  return {};
}

trl_status Registrations::AddCommand(HostTable& table, trl_command const* command, trl_sink err) {
  return Finish(table, TryCommand(table, command), err);
}

Result<void> Registrations::TryProvider(HostTable& table, trl_bytes kind, trl_bytes name,
                                        trl_bytes options, ProviderCode code) {
  if (!table.creating_) return Fail(Code::kAbi, "providers are added only inside create");
  TRELLIS_TRY(auto const the_kind, Name(kind, "provider kind"));
  TRELLIS_TRY(auto const the_name, Name(name, "provider name"));
  if (code.run == nullptr) return Fail(Code::kInvalid, "provider '{}' has no function", the_name);
  TRELLIS_CHECK(table.backend_.AddProvider(the_kind, the_name, std::string(abi::View(options))));
  table.providers_.insert_or_assign(fmt::format("{} {}", the_kind, the_name), code);
  return {};
}

trl_status Registrations::AddProvider(HostTable& table, trl_bytes kind, trl_bytes name,
                                      trl_bytes options, ProviderCode code, trl_sink err) {
  return Finish(table, TryProvider(table, kind, name, options, code), err);
}

}  // namespace trellis::plugin
