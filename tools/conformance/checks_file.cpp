// The file, its descriptor, and what create makes of configurations.
#include "kernel/plugin/config_schema.hpp"
#include "tools/conformance/elf.hpp"
#include "tools/conformance/subject.hpp"

#include <cstring>
#include <filesystem>
#include <set>

namespace trellis::conformance {

namespace {

constexpr std::uint32_t kMinPlugin = 72;  // through destroy
constexpr std::uint32_t kMinOps = 64;     // through list_owned
constexpr std::size_t kMaxName = 255;

bool IsName(std::string_view name, std::size_t most) {
  if (name.empty() || name.size() > most || name[0] < 'a' || name[0] > 'z') return false;
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

void ExportsOneSymbol(Setting const& setting, Probe& probe) {
  probe.At("reading the file");
  auto const read = ExportedSymbols(setting.file);
  if (!read) probe.Fail(read.error().message, "a 64-bit ELF library");
  auto const& symbols = *read;
  if (symbols.size() == 1 && symbols[0] == "trellis_plugin_v1") return;
  std::string list;
  for (std::size_t i = 0; i < symbols.size() && i < 8; ++i)
    list += (i == 0 ? "" : ", ") + symbols[i];
  probe.Fail(symbols.empty() ? "the library exports nothing"
                             : fmt::format("the library exports {} symbols: {}{}", symbols.size(),
                                           list, symbols.size() > 8 ? ", …" : ""),
             "trellis_plugin_v1 alone: link with a version script `{ global: trellis_plugin_v*; "
             "local: *; };`, "
             "or use trellis_add_plugin");
}

void CheckManifest(trl_plugin const& plugin, Probe& probe) {
  auto const manifest = json::ParseValue(plugin.manifest);
  if (!manifest || !manifest->is_object())
    probe.Fail("the manifest in the descriptor is no JSON object",
               R"({"manifest":1,"name":…,"version":…})");
  auto const& object = manifest->get_object();
  for (auto const& [key, wanted] :
       {std::pair("name", plugin.name), std::pair("version", plugin.version)}) {
    auto const* found = object.if_contains(key);
    bool const same = found != nullptr && found->is_string() && found->get_string() == wanted;
    probe.Expect(same, fmt::format("the manifest's {} is not the descriptor's '{}'", key, wanted),
                 "name and version of the manifest equal the descriptor's");
  }
}

void HasASoundDescriptor(Setting const& setting, Probe& probe) {
  Subject subject(setting, probe);
  auto const& plugin = subject.descriptor();
  probe.Expect(plugin.size >= kMinPlugin, fmt::format("trl_plugin.size is {}", plugin.size),
               "at least 72, usually sizeof(trl_plugin)");
  probe.Expect(plugin.abi_major == TRL_ABI_MAJOR, fmt::format("abi_major is {}", plugin.abi_major),
               "TRL_ABI_MAJOR");
  probe.Expect(plugin.abi_minor_required <= plugin.abi_minor_built &&
                   plugin.abi_minor_required <= TRL_ABI_MINOR,
               fmt::format("abi_minor_required is {}, built is {}", plugin.abi_minor_required,
                           plugin.abi_minor_built),
               fmt::format("required <= built, and <= {} of this host", TRL_ABI_MINOR));
  probe.Expect(plugin.threading <= TRL_THREADING_PARALLEL,
               fmt::format("threading is {}", plugin.threading),
               "TRL_THREADING_SERIAL or TRL_THREADING_PARALLEL");
  probe.Expect(plugin.name != nullptr && plugin.version != nullptr && plugin.manifest != nullptr,
               "name, version or manifest is NULL", "static texts");
  auto const file = std::filesystem::path(setting.file).filename().string();
  probe.Expect(IsName(plugin.name, 32) && file == fmt::format("{}.trellis.so", plugin.name),
               fmt::format("the plugin '{}' is in the file '{}'", plugin.name, file),
               "a name of lower-case letters, digits and '-', and the file <name>.trellis.so");
  probe.Expect(plugin.version[0] != 0, "the version is empty", "a version, for example 1.0.0");
  probe.Expect(plugin.create != nullptr && plugin.start != nullptr && plugin.stop != nullptr &&
                   plugin.destroy != nullptr,
               "create, start, stop or destroy is NULL", "all four");
  CheckManifest(plugin, probe);
}

void CheckOps(Type const& type, Probe& probe) {
  probe.Expect(IsName(type.name, kMaxName), fmt::format("a type is called '{}'", type.name),
               "lower-case letters, digits and '-', a letter first");
  auto const* ops = type.ops;
  probe.Expect(ops != nullptr && ops->size >= kMinOps,
               fmt::format("the ops of '{}' are missing or too short", type.name),
               "a table of at least 64 bytes, usually sizeof(trl_type_ops)");
  probe.Expect(ops->valid != nullptr && ops->challenge != nullptr && ops->capacity != nullptr &&
                   ops->provision != nullptr && ops->deprovision != nullptr &&
                   ops->inspect != nullptr && ops->list_owned != nullptr,
               fmt::format("a mandatory operation of '{}' is NULL", type.name),
               "valid, challenge, capacity, provision, deprovision, inspect and list_owned");
}

void CreatesAndRegisters(Setting const& setting, Probe& probe) {
  Subject subject(setting, probe);
  subject.MustCreate();
  for (auto const& type : subject.types())
    CheckOps(type, probe);
  subject.Destroy();
}

/// Works, or says why not.
void TryConfig(Subject& subject, Probe& probe, std::string_view config) {
  std::string err;
  auto const status = subject.Create(config, err);
  probe.Expect(status >= 0 || !err.empty(),
               fmt::format("create with {} answered {} without a text", config, StatusName(status)),
               "one sentence in err that says what is wrong with the configuration");
  if (status >= 0) subject.Destroy();
}

void BearsAnEmptyConfiguration(Setting const& setting, Probe& probe) {
  Subject subject(setting, probe);
  TryConfig(subject, probe, "{}");
}

void BearsBadConfigurations(Setting const& setting, Probe& probe) {
  Subject subject(setting, probe);
  for (auto const* config : {"[]", "null", "5", R"({"no such key":[{}]})", R"({"a":)", ""})
    TryConfig(subject, probe, config);
}

void SchemaTakesTheSample(Setting const& setting, Probe& probe) {
  Subject subject(setting, probe);
  auto const manifest = json::ParseValue(subject.descriptor().manifest);
  if (!manifest || !manifest->is_object()) return;  // C02 says so
  auto const* config = manifest->get_object().if_contains("config");
  auto const* schema = config != nullptr && config->is_object()
                           ? config->get_object().if_contains("schema")
                           : nullptr;
  auto const sample = json::ParseValue(setting.samples.ConfigText());
  probe.Expect(sample.has_value(), "the configuration of the samples is no JSON", "a JSON object");
  bool const plain = sample->is_object() && sample->get_object().empty();
  probe.Expect(schema != nullptr || plain,
               "the samples have a configuration, the manifest has no config.schema",
               "a plugin without a schema gets {}");
  if (schema == nullptr) return;
  if (auto const sound = plugin::CheckSchema(*schema); !sound)
    return probe.Fail(sound.error().message, "a schema that hosts can check");
  if (auto const wrong = plugin::SchemaMismatch(*schema, *sample, "config");
      !wrong.empty() && !plain)
    probe.Fail(wrong, "config.schema of the manifest takes the configuration of the samples");
  probe.Expect(schema->is_object(), "config.schema is no object", "a JSON Schema object");
}

}  // namespace

std::vector<Check> FileChecks() {
  return {
      {"C01", "the file exports one symbol", Needs::kCreate, ExportsOneSymbol},
      {"C02", "the descriptor is sound", Needs::kCreate, HasASoundDescriptor},
      {"C03", "create works and registers sound types", Needs::kCreate, CreatesAndRegisters},
      {"C04", "create bears an empty configuration", Needs::kCreate, BearsAnEmptyConfiguration},
      {"C05", "create bears bad configurations", Needs::kCreate, BearsBadConfigurations},
      {"C06", "the schema takes the sample configuration", Needs::kCreate, SchemaTakesTheSample},
  };
}

}  // namespace trellis::conformance
