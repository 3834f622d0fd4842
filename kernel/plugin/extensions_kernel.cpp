// Extension tables over the kernel's stored state: deployments, contracts, key-value store, engine.
#include "kernel/plugin/host_table.hpp"

#include <trellis/json.hpp>

namespace trellis::plugin {

namespace {

constexpr std::size_t kMaxTypes = 64;
constexpr std::size_t kMaxKeyBytes = 255;
constexpr std::size_t kMaxValueBytes = std::size_t{1} << 20U;
constexpr std::size_t kMaxIdBytes = 512;

trl_status Answer(Result<std::string> const& answer, trl_sink out, trl_sink err) {
  return answer ? abi::Write(out, *answer) : Refuse(err, answer.error());
}
trl_status Finish(Result<void> const& done, trl_sink err) {
  return done ? TRL_OK : Refuse(err, done.error());
}

Result<std::string_view> Key(trl_bytes key) {
  auto const text = abi::View(key);
  if (text.empty() || text.size() > kMaxKeyBytes)
    return Fail(Code::kInvalid, "a key has 1 to {} bytes", kMaxKeyBytes);
  return text;
}

}  // namespace

struct KernelFunctions {
  static HostBackend& Backend(void* ctx) { return static_cast<HostTable*>(ctx)->backend_; }
  static Result<KernelServices*> Kernel(void* ctx) {
    auto& table = *static_cast<HostTable*>(ctx);
    if (table.shut_) return Fail(Code::kUnavailable, "the plugin was stopped");
    return &table.backend_.kernel();
  }

  // ---- trellis.deployment/1 ----
  static trl_status Info(void* ctx, trl_call const* call, trl_sink out, trl_sink err) noexcept {
    return Guarded(err, [&] {
      return Answer(WithCall(ctx, call,
                             [&](KernelServices& kernel, CallInfo const& info) {
                               if (info.incoming != nullptr) return info.incoming->Info();
                               return kernel.DeploymentInfo(info.twin, info.contract);
                             }),
                    out, err);
    });
  }
  static trl_status Get(void* ctx, trl_call const* call, trl_bytes name, trl_sink out,
                        trl_sink err) noexcept {
    return Guarded(err, [&] {
      return Answer(WithCall(ctx, call,
                             [&](KernelServices& kernel, CallInfo const& info) {
                               if (info.incoming != nullptr)
                                 return info.incoming->Get(abi::View(name));
                               return kernel.Workload(info.twin, info.contract, abi::View(name));
                             }),
                    out, err);
    });
  }
  static trl_status ByType(void* ctx, trl_call const* call, trl_bytes const* types,
                           std::size_t count, trl_sink out, trl_sink err) noexcept {
    return Guarded(err, [&] {
      return Answer(
          WithCall(ctx, call,
                   [&](KernelServices& kernel, CallInfo const& info) {
                     std::vector<std::string_view> names;
                     for (std::size_t i = 0; i < std::min(count, kMaxTypes); ++i)
                       names.push_back(abi::View(types[i]));
                     if (info.incoming != nullptr) return info.incoming->ByType(names);
                     bool const everyone =
                         info.contract == 0 && Backend(ctx).HasPermission("deployment.all");
                     return kernel.WorkloadsByType(everyone ? 0 : info.twin, info.contract, names);
                   }),
          out, err);
    });
  }
  static trl_status Shared(void* ctx, trl_call const* call, trl_bytes type, trl_bytes name,
                           trl_sink out, trl_sink err) noexcept {
    return Guarded(err, [&] {
      return Answer(WithCall(ctx, call,
                             [&](KernelServices& kernel, CallInfo const& info) {
                               return kernel.Shared(info.twin, abi::View(type), abi::View(name));
                             }),
                    out, err);
    });
  }
  static trl_status Current(void* ctx, trl_bytes id, trl_sink out, trl_sink err) noexcept {
    return Guarded(err, [&] {
      return Answer(
          WithKernel(ctx, [&](KernelServices& kernel) { return kernel.Current(abi::View(id)); }),
          out, err);
    });
  }

  // ---- trellis.contract/1 ----
  static trl_status Contract(void* ctx, trl_call const* call, trl_sink out, trl_sink err) noexcept {
    return Guarded(err, [&] {
      return Answer(WithCall(ctx, call,
                             [&](KernelServices& kernel, CallInfo const& info) {
                               return kernel.Contract(info.contract);
                             }),
                    out, err);
    });
  }
  static trl_status Twin(void* ctx, std::uint32_t twin, trl_sink out, trl_sink err) noexcept {
    return Guarded(err, [&] {
      return Answer(WithKernel(ctx, [&](KernelServices& kernel) { return kernel.Twin(twin); }), out,
                    err);
    });
  }
  static trl_status NameOwner(void* ctx, trl_bytes name, trl_sink out, trl_sink err) noexcept {
    return Guarded(err, [&] {
      return Answer(
          WithKernel(ctx,
                     [&](KernelServices& kernel) { return kernel.NameOwner(abi::View(name)); }),
          out, err);
    });
  }
  static std::int32_t NodeRented(void* ctx, trl_call const* call) noexcept try {
    auto const kernel = Kernel(ctx);
    auto const info = ReadCall(call);
    return kernel && info && (*kernel)->NodeRented(info->twin) ? 1 : 0;
  } catch (...) {
    return 0;
  }

  // ---- trellis.store/1 ----
  static trl_status KvGet(void* ctx, trl_bytes key, trl_sink out, trl_sink err) noexcept {
    return Guarded(err, [&] {
      return Answer(WithKernel(ctx,
                               [&](KernelServices& kernel) -> Result<std::string> {
                                 TRELLIS_TRY(auto const name, Key(key));
                                 return kernel.KvGet(Backend(ctx).plugin(), name);
                               }),
                    out, err);
    });
  }
  static trl_status KvPut(void* ctx, trl_bytes key, trl_bytes value, trl_sink err) noexcept {
    return Guarded(err, [&] {
      return Finish(WithKernel(ctx,
                               [&](KernelServices& kernel) -> Result<void> {
                                 TRELLIS_TRY(auto const name, Key(key));
                                 if (value.size > kMaxValueBytes)
                                   return Fail(Code::kExhausted,
                                               "the value of '{}' has more than 1 MiB", name);
                                 return kernel.KvPut(Backend(ctx).plugin(), name, abi::View(value));
                               }),
                    err);
    });
  }
  static trl_status KvRemove(void* ctx, trl_bytes key, trl_sink err) noexcept {
    return Guarded(err, [&] {
      return Finish(WithKernel(ctx,
                               [&](KernelServices& kernel) -> Result<void> {
                                 TRELLIS_TRY(auto const name, Key(key));
                                 auto done = kernel.KvRemove(Backend(ctx).plugin(), name);
                                 if (!done && done.error().code == Code::kNotFound) return {};
                                 return done;
                               }),
                    err);
    });
  }
  static trl_status KvList(void* ctx, trl_bytes prefix, trl_sink out, trl_sink err) noexcept {
    return Guarded(err, [&] {
      return Answer(WithKernel(ctx,
                               [&](KernelServices& kernel) -> Result<std::string> {
                                 TRELLIS_TRY(auto keys, kernel.KvList(Backend(ctx).plugin(),
                                                                      abi::View(prefix)));
                                 std::sort(keys.begin(), keys.end());
                                 return json::Dump(keys);
                               }),
                    out, err);
    });
  }

  // ---- trellis.engine/1 ----
  static trl_status ReportFailed(void* ctx, trl_bytes id, trl_bytes reason, trl_sink err) noexcept {
    return Guarded(err, [&] {
      return Finish(WithKernel(ctx,
                               [&](KernelServices& kernel) -> Result<void> {
                                 if (id.size > kMaxIdBytes)
                                   return Fail(Code::kInvalid, "the workload id is too long");
                                 return kernel.ReportFailed(
                                     abi::View(id), RepairText(abi::View(reason), kMaxErrorBytes));
                               }),
                    err);
    });
  }
  static trl_status ReportObserved(void* ctx, trl_bytes id, std::int32_t state, trl_bytes detail,
                                   trl_sink err) noexcept {
    return Guarded(err, [&] {
      return Finish(WithKernel(ctx,
                               [&](KernelServices& kernel) -> Result<void> {
                                 if (id.size > kMaxIdBytes)
                                   return Fail(Code::kInvalid, "the workload id is too long");
                                 bool const known =
                                     state >= TRL_OBSERVED_UNKNOWN && state <= TRL_OBSERVED_FAILED;
                                 return kernel.ReportObserved(
                                     abi::View(id), known ? state : TRL_OBSERVED_UNKNOWN,
                                     RepairText(abi::View(detail), kMaxErrorBytes));
                               }),
                    err);
    });
  }

 private:
  template <class Function>
  static Result<std::string> WithCall(void* ctx, trl_call const* call, Function&& function) {
    TRELLIS_TRY(auto* const kernel, Kernel(ctx));
    TRELLIS_TRY(auto const info, ReadCall(call));
    return function(*kernel, info);
  }
  template <class Function>
  static auto WithKernel(void* ctx, Function&& function)
      -> decltype(function(std::declval<KernelServices&>())) {
    TRELLIS_TRY(auto* const kernel, Kernel(ctx));
    return function(*kernel);
  }
};

void const* KernelExtension(std::string_view id) {
  using F = KernelFunctions;
  static constexpr trl_ext_deployment kDeployment{
      sizeof(trl_ext_deployment), 0, &F::Info, &F::Get, &F::ByType, &F::Shared, &F::Current};
  static constexpr trl_ext_contract kContract{
      sizeof(trl_ext_contract), 0, &F::Contract, &F::Twin, &F::NameOwner, &F::NodeRented};
  static constexpr trl_ext_store kStore{sizeof(trl_ext_store), 0,         &F::KvGet, &F::KvPut,
                                        &F::KvRemove,          &F::KvList};
  static constexpr trl_ext_engine kEngine{sizeof(trl_ext_engine), 0, &F::ReportFailed,
                                          &F::ReportObserved};
  if (id == TRL_EXT_DEPLOYMENT) return &kDeployment;
  if (id == TRL_EXT_CONTRACT) return &kContract;
  if (id == TRL_EXT_STORE) return &kStore;
  if (id == TRL_EXT_ENGINE) return &kEngine;
  return nullptr;
}

}  // namespace trellis::plugin
