// A plugin whose commands and providers are rows of its configuration:
// {"commands":[{"name","aliases","auth","flags","max_payload","timeout_ms","max_parallel"}],
//  "providers":[{"kind","name","options","reply"}]}
// A command does what its payload says: {"what":"stuck|release|throw|garbage|nothing|refuse|log",
// …}; without it, it echoes.
#include <trellis/abi.h>
#include <trellis/json.hpp>

#include <condition_variable>
#include <list>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using trellis::json::Value;

struct CommandRow {
  std::string name;
  std::vector<std::string> aliases;
  std::int32_t auth = 0;
  std::uint32_t flags = 0;
  std::uint32_t max_payload = 0;
  std::uint32_t timeout_ms = 0;
  std::uint32_t max_parallel = 0;
};
BOOST_DESCRIBE_STRUCT(CommandRow, (),
                      (name, aliases, auth, flags, max_payload, timeout_ms, max_parallel))

struct ProviderRow {
  std::string kind;
  std::string name;
  std::string options;
  std::string reply;  ///< "" = the provider fails
};
BOOST_DESCRIBE_STRUCT(ProviderRow, (), (kind, name, options, reply))

struct Rows {
  std::vector<CommandRow> commands;
  std::vector<ProviderRow> providers;
};
BOOST_DESCRIBE_STRUCT(Rows, (), (commands, providers))

struct Order {
  std::string what;
  std::string text;
  std::string fields;
  std::int32_t status = TRL_INVALID;
  std::int32_t code = 0;
};
BOOST_DESCRIBE_STRUCT(Order, (), (what, text, fields, status, code))

trl_host const* host = nullptr;
Rows rows;
std::mutex mutex;
std::condition_variable changed;
bool released = false;

trl_bytes Bytes(std::string_view text) {
  return {text.data(), text.size()};
}
std::string_view View(trl_bytes bytes) {
  return {bytes.data, bytes.size};
}
trl_status Say(trl_sink sink, std::string_view text) {
  return sink.write(sink.ctx, Bytes(text));
}

/// Does not listen to its cancellation.
trl_status BeStuck() {
  std::unique_lock lock(mutex);
  changed.wait(lock, [] { return released; });
  return TRL_OK;
}

trl_status Release() {
  std::lock_guard const lock(mutex);
  released = true;
  changed.notify_all();
  return TRL_OK;
}

trl_status Obey(void*, trl_call const* call, trl_bytes payload, trl_sink reply, std::int32_t* code,
                trl_sink err) {
  auto const order = trellis::json::Parse<Order>(View(payload));
  if (!order) return TRL_DECODE;
  if (order->what == "stuck") return BeStuck();
  if (order->what == "release") return Release();
  if (order->what == "throw") throw std::runtime_error("thrown by a command");
  if (order->what == "garbage") return Say(reply, "{\"a\":");
  if (order->what == "nothing") return TRL_OK;
  if (order->what == "log") {
    host->log(host->ctx, TRL_LOG_WARN, Bytes(order->text), Bytes(order->fields));
    return TRL_OK;
  }
  if (order->what == "refuse") {
    *code = order->code;
    Say(err, order->text);
    return order->status;
  }
  return Say(reply,
             R"({"twin":)" + std::to_string(call->twin_id) + R"(,"text":")" + order->text + "\"}");
}

trl_status Provide(void* self, trl_call const*, trl_bytes, trl_sink out, trl_sink err) {
  auto const& reply = static_cast<ProviderRow const*>(self)->reply;
  if (!reply.empty()) return Say(out, reply);
  Say(err, "nothing to tell");
  return TRL_UNAVAILABLE;
}

template <class R, class... A>
using Quiet = R (*)(A...) noexcept;
/// The header's type for a function that may throw.
template <class R, class... A>
Quiet<R, A...> Unsafe(R (*function)(A...)) {
  return reinterpret_cast<Quiet<R, A...>>(function);
}

trl_status AddCommand(CommandRow const& row, trl_sink err) {
  auto const* commands =
      static_cast<trl_ext_command const*>(host->extension(host->ctx, TRL_EXT_COMMAND));
  if (commands == nullptr) return TRL_DENIED;
  std::vector<trl_bytes> aliases;
  for (auto const& alias : row.aliases)
    aliases.push_back(Bytes(alias));
  trl_command command{};
  command.size = sizeof command;
  command.flags = row.flags;
  command.auth = row.auth;
  command.max_payload = row.max_payload;
  command.timeout_ms = row.timeout_ms;
  command.max_parallel = row.max_parallel;
  command.name = Bytes(row.name);
  command.aliases = aliases.data();
  command.alias_count = aliases.size();
  command.fn = Unsafe(&Obey);
  return commands->add(host->ctx, &command, err);
}

trl_status Create(trl_host const* the_host, trl_open const* open, void** self, trl_sink err) {
  host = the_host;
  *self = &host;
  auto parsed = trellis::json::Parse<Rows>(View(open->config));
  if (!parsed) return TRL_DECODE;
  rows = *std::move(parsed);
  for (auto const& row : rows.commands)
    (void)AddCommand(row, err);  // a refusal must fail the plugin even when create says OK
  auto const* providers =
      static_cast<trl_ext_provider const*>(host->extension(host->ctx, TRL_EXT_PROVIDER));
  for (auto& row : rows.providers) {
    (void)providers->add(host->ctx, Bytes(row.kind), Bytes(row.name), Bytes(row.options),
                         Unsafe(&Provide), &row, err);
  }
  return TRL_OK;
}
trl_status Start(void*, trl_call const*, trl_sink) {
  return TRL_OK;
}
trl_status Stop(void*, trl_call const*, trl_sink) {
  return Release();
}
void Destroy(void*) {}

}  // namespace

extern "C" TRL_EXPORT trl_plugin const* trellis_plugin_v1(void) noexcept {
  static trl_plugin const plugin = [] {
    trl_plugin made{};
    made.size = sizeof made;
    made.abi_major = TRL_ABI_MAJOR;
    made.threading = TRL_THREADING_PARALLEL;
    made.name = COMMANDER_NAME;
    made.version = "1.0.0";
    made.manifest = R"({"manifest":1,"name":")" COMMANDER_NAME R"(","version":"1.0.0",
      "permissions":["command:zos."],"config":{"version":1,"schema":{"type":"object",
      "properties":{"commands":{"type":"array","items":{"type":"object"}}}}}})";
    made.create = Unsafe(&Create);
    made.start = Unsafe(&Start);
    made.stop = Unsafe(&Stop);
    made.destroy = Unsafe(&Destroy);
    return made;
  }();
  return &plugin;
}
