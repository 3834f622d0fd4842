// Everything a plugin author needs, and the macro that makes a class a plugin.
//
//   class DiskPlugin {
//    public:
//     static constexpr char const* kManifest = R"({"manifest":1,"name":"disk","version":"1.0.0",
//     …})";  // optional static constexpr std::uint16_t kThreading = TRL_THREADING_PARALLEL; //
//     optional static Result<std::unique_ptr<DiskPlugin>> Create(Host host, Config const& config);
//     // register here
//     // optional: Result<void> Start(Call&); Result<void> Stop(Call&);
//     //           Result<std::string> Health(Call&);  // JSON {"checks":[{"name","ok","message"}]}
//     // optional, one step each, from version `from` to the next:
//     //           static Result<std::string> MigrateConfig(std::uint32_t from, std::string_view
//     config);
//     //           static Result<void> MigrateState(std::uint32_t from, std::string_view
//     state_dir);
//   };
//   TRELLIS_PLUGIN(DiskPlugin, "disk", "1.0.0")
#pragma once

#include <trellis/abi.h>
#include <trellis/capacity.hpp>
#include <trellis/host.hpp>
#include <trellis/json.hpp>
#include <trellis/net.hpp>
#include <trellis/result.hpp>
#include <trellis/workload.hpp>

namespace trellis::detail {

template <class P>
struct Loaded {
  Instance instance;
  std::unique_ptr<P> plugin;
};

template <class P>
struct PluginTable {
  static trl_status Create(trl_host const* host, trl_open const* open, void** self,
                           trl_sink err) noexcept {
    return Guard(err, [&]() -> trl_status {
      auto loaded = std::make_unique<Loaded<P>>();
      loaded->instance.host = host;
      loaded->instance.state_dir = abi::View(open->state_dir);
      loaded->instance.run_dir = abi::View(open->run_dir);
      loaded->instance.node = abi::View(open->node);
      loaded->instance.isolated = (open->flags & TRL_OPEN_ISOLATED) != 0;
      Result<std::unique_ptr<P>> made =
          P::Create(Host(&loaded->instance), Config(abi::View(open->config)));
      if (!made) return abi::Fail(err, made.error());
      loaded->plugin = *std::move(made);
      *self = loaded.release();
      return TRL_OK;
    });
  }
  static trl_status Start(void* self, trl_call const* raw, trl_sink err) noexcept {
    return Run(self, raw, err, [](P& plugin, Call& call) -> Result<void> {
      if constexpr (requires { plugin.Start(call); }) return plugin.Start(call);
      (void)call;
      return {};
    });
  }
  static trl_status Stop(void* self, trl_call const* raw, trl_sink err) noexcept {
    return Run(self, raw, err, [](P& plugin, Call& call) -> Result<void> {
      if constexpr (requires { plugin.Stop(call); }) return plugin.Stop(call);
      (void)call;
      return {};
    });
  }
  static void Destroy(void* self) noexcept {
    std::unique_ptr<Loaded<P>> const loaded(static_cast<Loaded<P>*>(self));
    loaded->plugin.reset();  // before the callbacks that it registered
  }
  static trl_status Health(void* self, trl_call const* raw, trl_sink out, trl_sink err) noexcept {
    return Guard(err, [&]() -> trl_status {
      auto& loaded = *static_cast<Loaded<P>*>(self);
      Call call(loaded.instance.host, raw);
      if constexpr (requires { loaded.plugin->Health(call); }) {
        Result<std::string> const text = loaded.plugin->Health(call);
        if (!text) return abi::Fail(err, text.error());
        return abi::Write(out, *text);
      }
      return abi::Write(out, R"({"checks":[]})");
    });
  }

 private:
  template <class Function>
  static trl_status Run(void* self, trl_call const* raw, trl_sink err,
                        Function&& function) noexcept {
    return Guard(err, [&]() -> trl_status {
      auto& loaded = *static_cast<Loaded<P>*>(self);
      Call call(loaded.instance.host, raw);
      auto const done = function(*loaded.plugin, call);
      return done ? TRL_OK : abi::Fail(err, done.error());
    });
  }
};

template <class P>
trl_status MigrateConfig(std::uint32_t from, trl_bytes config, trl_sink out,
                         trl_sink err) noexcept {
  return Guard(err, [&]() -> trl_status {
    Result<std::string> const text = P::MigrateConfig(from, abi::View(config));
    return text ? abi::Write(out, *text) : abi::Fail(err, text.error());
  });
}
template <class P>
trl_status MigrateState(std::uint32_t from, trl_bytes state_dir, trl_sink err) noexcept {
  return Guard(err, [&]() -> trl_status {
    Result<void> const done = P::MigrateState(from, abi::View(state_dir));
    return done ? TRL_OK : abi::Fail(err, done.error());
  });
}
/// nullptr for a plugin that has no such member.
template <class P>
constexpr auto MigrateConfigOf() -> decltype(trl_plugin::migrate_config) {
  if constexpr (requires { &P::MigrateConfig; }) return &MigrateConfig<P>;
  return nullptr;
}
template <class P>
constexpr auto MigrateStateOf() -> decltype(trl_plugin::migrate_state) {
  if constexpr (requires { &P::MigrateState; }) return &MigrateState<P>;
  return nullptr;
}

template <class P>
constexpr char const* ManifestOf(char const* fallback) {
  if constexpr (requires { P::kManifest; }) return P::kManifest;
  return fallback;
}
template <class P>
constexpr std::uint16_t ThreadingOf() {
  if constexpr (requires { P::kThreading; }) return P::kThreading;
  return TRL_THREADING_SERIAL;
}

}  // namespace trellis::detail

/// Makes `Class` the plugin of this shared library.
#define TRELLIS_PLUGIN(Class, plugin_name, plugin_version)                              \
  extern "C" TRL_EXPORT trl_plugin const* trellis_plugin_v1(void) noexcept {            \
    using Table = ::trellis::detail::PluginTable<Class>;                                \
    static constexpr trl_plugin kPlugin = {                                             \
        sizeof(trl_plugin),                                                             \
        TRL_ABI_MAJOR,                                                                  \
        TRL_ABI_MINOR,                                                                  \
        0,                                                                              \
        ::trellis::detail::ThreadingOf<Class>(),                                        \
        0,                                                                              \
        plugin_name,                                                                    \
        plugin_version,                                                                 \
        ::trellis::detail::ManifestOf<Class>("{\"manifest\":1,\"name\":\"" plugin_name  \
                                             "\",\"version\":\"" plugin_version "\"}"), \
        &Table::Create,                                                                 \
        &Table::Start,                                                                  \
        &Table::Stop,                                                                   \
        &Table::Destroy,                                                                \
        nullptr,                                                                        \
        ::trellis::detail::MigrateConfigOf<Class>(),                                    \
        ::trellis::detail::MigrateStateOf<Class>(),                                     \
        &Table::Health};                                                                \
    return &kPlugin;                                                                    \
  }
