// Turns a Data class and a Provisioner class into the C table trl_type_ops. Not for authors.
#pragma once

#include <trellis/detail/instance.hpp>

namespace trellis::detail {

/// The deployment of a call, seen through trellis.deployment/1.
class HostWorkloadGetter final : public WorkloadGetter {
 public:
  HostWorkloadGetter(trl_host const* host, trl_call const* call) : host_(host), call_(call) {}

  [[nodiscard]] Result<WorkloadView> Get(std::string_view name) const override {
    auto const* ext = Table();
    if (ext == nullptr) return Fail(Code::kUnavailable, "the host does not show deployments");
    return Read<WorkloadView>([&](trl_sink out, trl_sink err) {
      return ext->get(host_->ctx, call_, abi::Bytes(name), out, err);
    });
  }
  [[nodiscard]] Result<std::vector<WorkloadView>> ByType(
      std::span<std::string_view const> types) const override {
    auto const* ext = Table();
    if (ext == nullptr) return Fail(Code::kUnavailable, "the host does not show deployments");
    std::vector<trl_bytes> names;
    for (auto const type : types)
      names.push_back(abi::Bytes(type));
    return Read<std::vector<WorkloadView>>([&](trl_sink out, trl_sink err) {
      return ext->by_type(host_->ctx, call_, names.data(), names.size(), out, err);
    });
  }

 private:
  [[nodiscard]] trl_ext_deployment const* Table() const {
    return static_cast<trl_ext_deployment const*>(host_->extension(host_->ctx, TRL_EXT_DEPLOYMENT));
  }
  template <class T, class Function>
  static Result<T> Read(Function&& function) {
    abi::StringSink out;
    abi::StringSink err;
    trl_status const status = function(out.sink(), err.sink());
    TRELLIS_CHECK(abi::Check(status, std::move(err.text)));
    return json::Parse<T>(out.text);
  }
  trl_host const* host_;
  trl_call const* call_;
};

/// Data must be one JSON object.
template <class Data>
Result<Data> DecodeData(trl_bytes bytes) {
  auto data = json::ParseObject<Data>(abi::View(bytes));
  if (!data) data.error().code = Code::kDecode;
  return data;
}

template <class Data, class Prov>
class TypeAdapter final : public Registered {
 public:
  TypeAdapter(trl_host const* host, Prov& provisioner) : host_(host), provisioner_(&provisioner) {}
  static trl_type_ops const kOps;

 private:
  using Work = Workload<Data>;
  static TypeAdapter& Self(void* self) { return *static_cast<TypeAdapter*>(self); }

  /// `lenient`: undecodable data becomes the default, for operations that must converge to nothing.
  static Result<Work> Decode(trl_workload const* raw, bool lenient) {
    Work work;
    work.id = abi::View(raw->id);
    work.name = abi::View(raw->name);
    work.type = abi::View(raw->type);
    work.metadata = abi::View(raw->metadata);
    work.description = abi::View(raw->description);
    work.version = raw->version;
    work.paused = (raw->flags & TRL_WORKLOAD_PAUSED) != 0;
    work.result = abi::View(raw->result);
    work.handle = abi::View(raw->handle);
    work.handle_schema = raw->handle_schema;
    if (raw->previous.size != 0) {
      auto previous = DecodeData<Data>(raw->previous);
      if (previous) work.previous = *std::move(previous);
    }
    auto data = DecodeData<Data>(raw->data);
    if (data) {
      work.data = *std::move(data);
    } else if (!lenient) {
      return tl::unexpected<Error>(std::move(data).error());
    }
    return work;
  }

  static trl_status Valid(void* self, trl_call const* call, trl_bytes data, trl_sink err) noexcept {
    return Guard(err, [&]() -> trl_status {
      auto const decoded = DecodeData<Data>(data);
      if (!decoded) return abi::Fail(err, decoded.error());
      HostWorkloadGetter const getter(Self(self).host_, call);
      auto const done = decoded->Valid(getter);
      return done ? TRL_OK : abi::Fail(err, done.error());
    });
  }
  static trl_status Challenge(void*, trl_bytes data, trl_sink out, trl_sink err) noexcept {
    return Guard(err, [&]() -> trl_status {
      auto const decoded = DecodeData<Data>(data);
      if (!decoded) return abi::Fail(err, decoded.error());
      std::string text;
      ChallengeWriter writer(text);
      decoded->Challenge(writer);
      return abi::Write(out, text);
    });
  }
  static trl_status Capacity(void*, trl_bytes data, trl_capacity* out, trl_sink err) noexcept {
    return Guard(err, [&]() -> trl_status {
      auto const decoded = DecodeData<Data>(data);
      if (!decoded) return abi::Fail(err, decoded.error());
      auto const capacity = decoded->Capacity();
      out->cru = capacity.cru;
      out->sru = capacity.sru;
      out->hru = capacity.hru;
      out->mru = capacity.mru;
      out->ipv4u = capacity.ipv4u;
      return TRL_OK;
    });
  }
  static std::int64_t Weight([[maybe_unused]] void* self, trl_bytes data) noexcept {
    if constexpr (requires(Data const& d) {
                    { d.Weight() } -> std::convertible_to<std::int64_t>;
                  }) {
      try {
        auto const decoded = DecodeData<Data>(data);
        return decoded ? static_cast<std::int64_t>(decoded->Weight()) : 0;
      } catch (...) {
        return 0;
      }
    }
    return 0;
  }
  static trl_status Dependencies([[maybe_unused]] void* self, trl_bytes data, trl_sink out,
                                 trl_sink err) noexcept {
    return Guard(err, [&]() -> trl_status {
      if constexpr (requires(Data const& d) { d.Dependencies(); }) {
        auto const decoded = DecodeData<Data>(data);
        if (!decoded) return abi::Fail(err, decoded.error());
        return abi::Write(out, json::Dump(std::vector<std::string>(decoded->Dependencies())));
      }
      return abi::Write(out, "[]");
    });
  }

  template <class R>
  static trl_status Finish(trl_out* out, Result<Outcome<R>> const& done) {
    if (!done) return abi::Fail(out->err, done.error());
    using Kind = typename Outcome<R>::Kind;
    if (done->kind == Kind::kUnchanged) {
      abi::Write(out->err, done->reason);
      return TRL_UNCHANGED;
    }
    out->handle_schema = done->handle_schema;
    if (auto const status = abi::Write(out->result, json::Dump(done->result)); status < 0)
      return status;
    if (auto const status = abi::Write(out->handle, done->handle); status < 0) return status;
    return done->kind == Kind::kNoAction ? TRL_NO_ACTION : TRL_OK;
  }

  static trl_status Provision(void* self, trl_call const* raw, trl_workload const* workload,
                              trl_out* out) noexcept {
    return Guard(out->err, [&]() -> trl_status {
      auto const work = Decode(workload, /*lenient=*/false);
      if (!work) return abi::Fail(out->err, work.error());
      Call call(Self(self).host_, raw);
      return Finish(out, Self(self).provisioner_->Provision(call, *work));
    });
  }
  static trl_status Update(void* self, trl_call const* raw, trl_workload const* workload,
                           trl_out* out) noexcept {
    return Guard(out->err, [&]() -> trl_status {
      if constexpr (requires(Prov & p, Call & c, Work const& w) { p.Update(c, w); }) {
        auto const work = Decode(workload, /*lenient=*/false);
        if (!work) return abi::Fail(out->err, work.error());
        Call call(Self(self).host_, raw);
        return Finish(out, Self(self).provisioner_->Update(call, *work));
      }
      return TRL_UNSUPPORTED;
    });
  }
  static trl_status Deprovision(void* self, trl_call const* raw, trl_workload const* workload,
                                trl_sink err) noexcept {
    return Effect(self, raw, workload, err, /*lenient=*/true,
                  [](Prov& prov, Call& call, Work const& work) -> Result<void> {
                    return prov.Deprovision(call, work);
                  });
  }
  static trl_status Pause(void* self, trl_call const* raw, trl_workload const* workload,
                          trl_sink err) noexcept {
    return Effect(self, raw, workload, err, /*lenient=*/true,
                  []([[maybe_unused]] auto& prov, [[maybe_unused]] Call& call,
                     [[maybe_unused]] auto const& work) -> Result<void> {
                    if constexpr (requires { prov.Pause(call, work); })
                      return prov.Pause(call, work);
                    return {};
                  });
  }
  static trl_status Resume(void* self, trl_call const* raw, trl_workload const* workload,
                           trl_sink err) noexcept {
    return Effect(self, raw, workload, err, /*lenient=*/true,
                  []([[maybe_unused]] auto& prov, [[maybe_unused]] Call& call,
                     [[maybe_unused]] auto const& work) -> Result<void> {
                    if constexpr (requires { prov.Resume(call, work); })
                      return prov.Resume(call, work);
                    return {};
                  });
  }
  static trl_status Precheck(void* self, trl_call const* raw, std::int32_t op,
                             trl_workload const* workload, trl_sink err) noexcept {
    return Effect(self, raw, workload, err, /*lenient=*/false,
                  [op]([[maybe_unused]] auto& prov, [[maybe_unused]] Call& call,
                       [[maybe_unused]] auto const& work) -> Result<void> {
                    if constexpr (requires { prov.Precheck(call, PrecheckOp::kProvision, work); })
                      return prov.Precheck(call, static_cast<PrecheckOp>(op), work);
                    return {};
                  });
  }
  template <class Function>
  static trl_status Effect(void* self, trl_call const* raw, trl_workload const* workload,
                           trl_sink err, bool lenient, Function&& function) noexcept {
    return Guard(err, [&]() -> trl_status {
      auto const work = Decode(workload, lenient);
      if (!work) return abi::Fail(err, work.error());
      Call call(Self(self).host_, raw);
      auto const done = function(*Self(self).provisioner_, call, *work);
      return done ? TRL_OK : abi::Fail(err, done.error());
    });
  }
  static trl_status Inspect(void* self, trl_call const* raw, trl_workload const* workload,
                            trl_observed* state, trl_sink detail, trl_sink err) noexcept {
    return Guard(err, [&]() -> trl_status {
      auto const work = Decode(workload, /*lenient=*/true);
      if (!work) return abi::Fail(err, work.error());
      Call call(Self(self).host_, raw);
      Result<Observed> const done = Self(self).provisioner_->Inspect(call, *work);
      if (!done) return abi::Fail(err, done.error());
      state->state = static_cast<std::int32_t>(done->state);
      return abi::Write(detail, done->detail);
    });
  }
  static trl_status ListOwned(void* self, trl_call const* raw, trl_sink out,
                              trl_sink err) noexcept {
    return Guard(err, [&]() -> trl_status {
      Call call(Self(self).host_, raw);
      auto const done = Self(self).provisioner_->ListOwned(call);
      if (!done) return abi::Fail(err, done.error());
      return abi::Write(out, json::Dump(*done));
    });
  }
  static trl_status Recovered(void* self, trl_call const* raw, trl_bytes const* ids,
                              std::size_t count, trl_sink err) noexcept {
    return Guard(err, [&]() -> trl_status {
      if constexpr (requires(Prov & p, Call & c, std::span<std::string_view const> s) {
                      p.Recovered(c, s);
                    }) {
        std::vector<std::string_view> known;
        for (std::size_t i = 0; i < count; ++i)
          known.push_back(abi::View(ids[i]));
        Call call(Self(self).host_, raw);
        auto const done = Self(self).provisioner_->Recovered(call, known);
        return done ? TRL_OK : abi::Fail(err, done.error());
      }
      return TRL_OK;
    });
  }

  static constexpr bool kHasUpdate = requires(Prov & p, Call& c, Work const& w) { p.Update(c, w); };
  static constexpr bool kHasPause = requires(Prov & p, Call& c, Work const& w) {
    p.Pause(c, w);
    p.Resume(c, w);
  };
  static constexpr bool kHasPrecheck = requires(Prov & p, Call& c, Work const& w) {
    p.Precheck(c, PrecheckOp::kProvision, w);
  };
  static constexpr bool kHasDependencies = requires(Data const& d) { d.Dependencies(); };
  static constexpr bool kHasRecovered =
      requires(Prov & p, Call& c, std::span<std::string_view const> s) {
    p.Recovered(c, s);
  };
  static constexpr bool kHasWeight = requires(Data const& d) { d.Weight(); };

  trl_host const* host_;
  Prov* provisioner_;
};

template <class Data, class Prov>
constinit trl_type_ops const TypeAdapter<Data, Prov>::kOps = {
    .size = sizeof(trl_type_ops),
    .reserved = 0,
    .valid = &Valid,
    .challenge = &Challenge,
    .capacity = &Capacity,
    .provision = &Provision,
    .deprovision = &Deprovision,
    .inspect = &Inspect,
    .list_owned = &ListOwned,
    .update = kHasUpdate ? &Update : nullptr,
    .pause = kHasPause ? &Pause : nullptr,
    .resume = kHasPause ? &Resume : nullptr,
    .precheck = kHasPrecheck ? &Precheck : nullptr,
    .dependencies = kHasDependencies ? &Dependencies : nullptr,
    .recovered = kHasRecovered ? &Recovered : nullptr,
    .weight = kHasWeight ? &Weight : nullptr,
};

}  // namespace trellis::detail
