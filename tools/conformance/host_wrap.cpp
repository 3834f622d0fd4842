#include "tools/conformance/host_wrap.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>

namespace trellis::conformance {

namespace {

std::atomic<HostMood> g_mood = HostMood::kPlain;
std::atomic<char const*> g_late = nullptr;
std::atomic<std::uint32_t> g_random = 1;

/// The real table of each kind.
template <class Table>
Table const* g_real = nullptr;

std::uint32_t Random() {  // any sequence will do
  return (g_random = g_random * 1664525U + 1013904223U) >> 8U;
}

void WriteGarbage(trl_sink const& sink) {
  static constexpr std::array<std::string_view, 5> kTexts{"", "null", "{\"a\":", "\xff\xfe[",
                                                          "[1,2]"};
  auto const text = kTexts.at(Random() % kTexts.size());
  (void)sink.write(sink.ctx, {text.data(), text.size()});
}
template <class T>
void WriteGarbage(T const&) {}

/// A status that no honest host would give, or -17 for "ask the real one".
constexpr trl_status kAskReal = -17;
template <class... Args>
trl_status Lie(Args const&... args) {
  static constexpr std::array<trl_status, 9> kLies{kAskReal,  TRL_UNAVAILABLE, TRL_NOT_FOUND,
                                                   TRL_FAULT, TRL_BUSY,        -99,
                                                   42,        TRL_OK,          TRL_EXHAUSTED};
  auto const status = kLies.at(Random() % kLies.size());
  if (status != kAskReal) (WriteGarbage(args), ...);
  return status;
}

void Note(char const* name) {
  char const* none = nullptr;
  if (g_mood == HostMood::kStopped) g_late.compare_exchange_strong(none, name);
}

template <class Member>
struct MemberOf;
template <class Table, class R, class... Args>
struct MemberOf<R (*Table::*)(void*, Args...) noexcept> {
  /// One function of a table, under the name that people know.
  template <R (*Table::*kMember)(void*, Args...) noexcept, char const* kName>
  static R Call(void* ctx, Args... args) noexcept {
    Note(kName);
    if constexpr (std::is_same_v<R, trl_status>) {
      // log_level, cancelled, … answer numbers of the same type, but take no sink.
      constexpr bool kWrites = (std::is_same_v<Args, trl_sink> || ...);
      if (kWrites && g_mood == HostMood::kLying) {
        if (auto const lie = Lie(args...); lie != kAskReal) return lie;
      }
    }
    return (g_real<Table>->*kMember)(ctx, args...);
  }
};

#define WRAP(table, member)                                                  \
  [] {                                                                       \
    static constexpr char kName[] = #table "." #member;                      \
    return &MemberOf<decltype(&table::member)>::Call<&table::member, kName>; \
  }()

template <class Table, class... Members>
void const* Wrapped(void const* real, Members... members) {
  static Table const kTable = [&] {
    g_real<Table> = static_cast<Table const*>(real);
    return Table{sizeof(Table), 0, members...};
  }();
  return &kTable;
}

void const* WrapExtension(std::string_view id, void const* real) {
  if (id == TRL_EXT_STORE)
    return Wrapped<trl_ext_store>(real, WRAP(trl_ext_store, get), WRAP(trl_ext_store, put),
                                  WRAP(trl_ext_store, remove), WRAP(trl_ext_store, list));
  if (id == TRL_EXT_PROCESS)
    return Wrapped<trl_ext_process>(real, WRAP(trl_ext_process, ensure),
                                    WRAP(trl_ext_process, stop), WRAP(trl_ext_process, list));
  if (id == TRL_EXT_ENGINE)
    return Wrapped<trl_ext_engine>(real, WRAP(trl_ext_engine, fail),
                                   WRAP(trl_ext_engine, observed));
  if (id == TRL_EXT_EVENT)
    return Wrapped<trl_ext_event>(real, WRAP(trl_ext_event, publish),
                                  WRAP(trl_ext_event, subscribe));
  if (id == TRL_EXT_METRIC)
    return Wrapped<trl_ext_metric>(real, WRAP(trl_ext_metric, define),
                                   WRAP(trl_ext_metric, record));
  if (id == TRL_EXT_SCHEDULE)
    return Wrapped<trl_ext_schedule>(real, WRAP(trl_ext_schedule, after),
                                     WRAP(trl_ext_schedule, cancel));
  if (id == TRL_EXT_DEPLOYMENT)
    return Wrapped<trl_ext_deployment>(
        real, WRAP(trl_ext_deployment, info), WRAP(trl_ext_deployment, get),
        WRAP(trl_ext_deployment, by_type), WRAP(trl_ext_deployment, shared),
        WRAP(trl_ext_deployment, current));
  if (id == TRL_EXT_CONTRACT)
    return Wrapped<trl_ext_contract>(
        real, WRAP(trl_ext_contract, contract), WRAP(trl_ext_contract, twin),
        WRAP(trl_ext_contract, name_owner), WRAP(trl_ext_contract, node_rented));
  return real;  // command and provider: only inside create
}

void const* Extension(void* ctx, char const* id) noexcept {
  Note("trl_host.extension");
  if (g_mood == HostMood::kNoExtensions) return nullptr;
  auto const* const real = g_real<trl_host>->extension(ctx, id);
  return real == nullptr ? nullptr : WrapExtension(id, real);
}

}  // namespace

trl_host const& WrapHost(trl_host const& real) {
  static trl_host table{};
  g_real<trl_host> = &real;
  table = real;
  table.log = WRAP(trl_host, log);
  table.log_level = WRAP(trl_host, log_level);
  table.call_service = WRAP(trl_host, call_service);
  table.cancelled = WRAP(trl_host, cancelled);
  table.cancel_fd = WRAP(trl_host, cancel_fd);
  table.progress = WRAP(trl_host, progress);
  table.extension = Extension;
  return table;
}

void SetHostMood(HostMood mood) {
  g_mood = mood;
}
HostMood CurrentHostMood() {
  return g_mood;
}
char const* LateCall() {
  return g_late;
}

}  // namespace trellis::conformance
