#include "tools/conformance/subject.hpp"

#include "tools/conformance/host_wrap.hpp"

#include <dlfcn.h>

#include <array>
#include <filesystem>

namespace trellis::conformance {

trl_status Sink::Write(void* ctx, trl_bytes chunk) noexcept try {
  auto& self = *static_cast<Sink*>(ctx);
  if (self.refused_) self.went_on_ = true;
  if (self.refused_ || self.text.size() + chunk.size > self.room_) {
    self.refused_ = true;
    return TRL_EXHAUSTED;
  }
  self.text.append(abi::View(chunk));
  return TRL_OK;
} catch (...) {
  return TRL_FAULT;
}

bool IsPluginStatus(trl_status status) {
  return status >= TRL_BUSY && status <= TRL_UNCHANGED && status != TRL_CRASHED;
}

std::string StatusName(trl_status status) {
  static constexpr std::array<char const*, 17> kNames{
      "OK",     "INVALID",   "DECODE",  "NOT_FOUND",   "EXISTS",    "UNSUPPORTED",
      "DENIED", "CANCELLED", "TIMEOUT", "UNAVAILABLE", "EXHAUSTED", "CONFLICT",
      "IO",     "FAULT",     "CRASHED", "ABI",         "BUSY"};
  if (status == TRL_NO_ACTION) return "NO_ACTION";
  if (status == TRL_UNCHANGED) return "UNCHANGED";
  if (status > 0 || status < TRL_BUSY) return fmt::format("status {}", status);
  return kNames.at(static_cast<std::size_t>(-status));
}

trl_call PlainCall() {
  trl_call call{};
  call.size = sizeof call;
  call.id = 1;
  call.deadline_ns = INT64_MAX;
  call.contract_id = 9;
  call.twin_id = 7;
  call.attempt = 1;
  return call;
}

Subject::Subject(Setting const& setting, Probe& probe) : setting_(setting), probe_(probe) {
  probe.At("loading the file");
  void* const library = ::dlopen(setting.file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    probe.Fail(fmt::format("the file cannot be loaded: {}", ::dlerror()),
               "a shared library that needs nothing but what it links");
  using Entry = trl_plugin const* (*)();
  auto const entry = reinterpret_cast<Entry>(::dlsym(library, "trellis_plugin_v1"));
  probe.Expect(entry != nullptr, "the file has no function trellis_plugin_v1",
               "the library exports trellis_plugin_v1");
  probe.At("trellis_plugin_v1");
  descriptor_ = entry();
  probe.Expect(descriptor_ != nullptr, "trellis_plugin_v1 returned NULL", "a descriptor");
  loaded_.owner = &host_;
  loaded_.name = descriptor_->name == nullptr ? "" : descriptor_->name;
  testing::FakeHostTables::Fill(loaded_);
  for (auto const& [id, methods] : setting.samples.services) {
    host_.FakeService(id, [&methods = methods](std::string_view method, std::string_view) {
      auto const found = methods.find(std::string(method));
      return Result<std::string>(found == methods.end() ? "{}" : found->second.text);
    });
  }
  state_dir_ = host_.dir() + "/state/" + loaded_.name;
  run_dir_ = host_.dir() + "/run/" + loaded_.name;
  std::filesystem::create_directories(state_dir_);
  std::filesystem::create_directories(run_dir_);
}

trl_host const& Subject::table() {
  return WrapHost(loaded_.host);
}

trl_status Subject::Create(std::string_view config, std::string& err, trl_host const* table) {
  trl_open open{};
  open.size = sizeof open;
  open.config = abi::Bytes(config);
  open.state_dir = abi::Bytes(state_dir_);
  open.run_dir = abi::Bytes(run_dir_);
  static constexpr std::string_view kNode =
      R"({"node_id":1,"farm_id":1,"twin_id":1,"public_key":"","region":"","boot_id":"b","public_config":null})";
  open.node = abi::Bytes(kNode);
  Sink sink;
  // What an earlier life registered went with it.
  loaded_.types.clear();
  loaded_.services.clear();
  loaded_.commands.clear();
  loaded_.providers.clear();
  loaded_.subscriptions.clear();
  loaded_.creating = true;
  probe_.At("create with {}", config);
  auto const status =
      descriptor_->create(table == nullptr ? &this->table() : table, &open, &self_, sink.sink());
  loaded_.creating = false;
  err = sink.text;
  types_.clear();
  for (auto const& [name, type] : loaded_.types)
    types_.push_back({name, type.ops, type.self, setting_.samples.DataOf(name)});
  return status;
}

void Subject::MustCreate() {
  std::string err;
  auto const status = Create(setting_.samples.ConfigText(), err);
  if (status < 0)
    probe_.Fail(
        fmt::format("create answered {}: {}", StatusName(status), err),
        "create works with the configuration of the samples (--samples FILE, key `config`)");
}

void Subject::MustStart() {
  auto const call = PlainCall();
  Sink err;
  probe_.At("start");
  auto const status = descriptor_->start(self_, &call, err.sink());
  probe_.Expect(status >= 0, fmt::format("start answered {}: {}", StatusName(status), err.text),
                "start works where create did");
}

trl_status Subject::Stop(std::string& text) {
  auto const call = PlainCall();
  Sink err;
  probe_.At("stop");
  auto const status = descriptor_->stop(self_, &call, err.sink());
  text = err.text;
  return status;
}

void Subject::Destroy() {
  probe_.At("destroy");
  descriptor_->destroy(self_);
  self_ = nullptr;
}

void Subject::NeedSamples() {
  for (auto const& type : types_) {
    if (type.data.empty())
      probe_.Fail(
          fmt::format("there is no sample of type '{}'", type.name),
          fmt::format(R"(--samples FILE with {{"types":{{"{}":{{"data":…}}}}}})", type.name));
  }
}

void Subject::CheckStatus(std::string_view what, trl_status status, std::string_view err) {
  // What a lying host said may be passed on.
  if (CurrentHostMood() == HostMood::kLying) return;
  probe_.Expect(IsPluginStatus(status), fmt::format("{} answered {}", what, StatusName(status)),
                "a status of abi.h other than PENDING and CRASHED");
  probe_.Expect(status >= 0 || !err.empty(),
                fmt::format("{} answered {} without a text", what, StatusName(status)),
                "one sentence in err for every negative status");
}

template <class Function>
Effect Subject::Drive(char const* what, Type const& type, Way const& way, Function&& function) {
  auto const call = PlainCall();
  trl_workload workload{};
  workload.size = sizeof workload;
  workload.id = abi::Bytes(way.id);
  workload.name = abi::Bytes(std::string_view(way.id).substr(way.id.rfind('-') + 1));
  workload.type = abi::Bytes(type.name);
  workload.data = abi::Bytes(type.data);
  workload.previous = abi::Bytes(way.previous);
  workload.handle = abi::Bytes(way.handle);
  workload.handle_schema = way.handle_schema;
  Sink result(way.result_room);
  Sink handle;
  Sink err;
  trl_out out{sizeof(trl_out), 0, result.sink(), handle.sink(), err.sink()};
  auto const name = fmt::format("{} of '{}'", what, type.name);
  probe_.At("{}", name);
  Effect effect;
  effect.status = function(&call, &workload, &out);
  effect.result = result.text;
  effect.handle = handle.text;
  effect.handle_schema = out.handle_schema;
  effect.err = err.text;
  if (way.result_went_on != nullptr) *way.result_went_on = result.went_on();
  CheckStatus(name, effect.status, effect.err);
  return effect;
}

Effect Subject::Provision(Type const& type, Way const& way) {
  return Drive("provision", type, way, [&](auto const* call, auto const* workload, auto* out) {
    return type.ops->provision(type.self, call, workload, out);
  });
}
Effect Subject::Update(Type const& type, Way const& way) {
  return Drive("update", type, way, [&](auto const* call, auto const* workload, auto* out) {
    return type.ops->update(type.self, call, workload, out);
  });
}
Effect Subject::Deprovision(Type const& type, Way const& way) {
  return Drive("deprovision", type, way, [&](auto const* call, auto const* workload, auto* out) {
    return type.ops->deprovision(type.self, call, workload, out->err);
  });
}
Effect Subject::Pause(Type const& type, Way const& way) {
  return Drive("pause", type, way, [&](auto const* call, auto const* workload, auto* out) {
    return type.ops->pause(type.self, call, workload, out->err);
  });
}
Effect Subject::Resume(Type const& type, Way const& way) {
  return Drive("resume", type, way, [&](auto const* call, auto const* workload, auto* out) {
    return type.ops->resume(type.self, call, workload, out->err);
  });
}
Effect Subject::Inspect(Type const& type, std::int32_t& state, Way const& way) {
  trl_observed seen{sizeof(trl_observed), 0};
  Sink detail;
  auto effect = Drive("inspect", type, way, [&](auto const* call, auto const* workload, auto* out) {
    return type.ops->inspect(type.self, call, workload, &seen, detail.sink(), out->err);
  });
  state = seen.state;
  return effect;
}
Effect Subject::ListOwned(Type const& type, std::size_t room, bool* went_on) {
  Way way;
  way.result_room = room;
  way.result_went_on = went_on;
  return Drive("list_owned", type, way, [&](auto const* call, auto const*, auto* out) {
    return type.ops->list_owned(type.self, call, out->result, out->err);
  });
}

std::vector<std::string> Subject::OwnedIds(Type const& type) {
  auto const effect = ListOwned(type);
  probe_.Expect(effect.status >= 0,
                fmt::format("list_owned of '{}' answered {}: {}", type.name,
                            StatusName(effect.status), effect.err),
                "list_owned works after start");
  auto ids = json::Parse<std::vector<std::string>>(effect.result);
  if (!ids)
    probe_.Fail(fmt::format("list_owned of '{}' wrote {}", type.name,
                            effect.result.empty() ? "nothing" : effect.result),
                "a JSON array of workload ids, [] when there are none");
  return *std::move(ids);
}

}  // namespace trellis::conformance
