#include "plugins/zmachine/libvirt_library.hpp"

#include <dlfcn.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <string>

namespace trellis::plugins::zmachine {
namespace {

constexpr char const* kLibrary = "libvirt.so.0";

/// Entries of the table below, one for each function.
struct Import {
  char const* name;
  void** address;
};

}  // namespace
}  // namespace trellis::plugins::zmachine

// The functions themselves: each forwards to the opened library's one. They are local to the
// plugin.
// NOLINTBEGIN(bugprone-macro-parentheses): names and parameter lists
#define TRELLIS_LIBVIRT(result, name, parameters, arguments)      \
  static void* g_##name = nullptr;                                \
  extern "C" result name parameters {                             \
    return reinterpret_cast<decltype(&name)>(g_##name) arguments; \
  }
// NOLINTEND(bugprone-macro-parentheses)

// libvirt's names:
// NOLINTBEGIN(readability-identifier-naming,cppcoreguidelines-avoid-non-const-global-variables)
TRELLIS_LIBVIRT(int, virConnectClose, (virConnectPtr c), (c))
TRELLIS_LIBVIRT(int, virConnectDomainEventDeregisterAny, (virConnectPtr c, int id), (c, id))
TRELLIS_LIBVIRT(int, virConnectDomainEventRegisterAny,
                (virConnectPtr c, virDomainPtr d, int event,
                 virConnectDomainEventGenericCallback callback, void* opaque,
                 virFreeCallback free_opaque),
                (c, d, event, callback, opaque, free_opaque))
TRELLIS_LIBVIRT(int, virConnectIsAlive, (virConnectPtr c), (c))
TRELLIS_LIBVIRT(int, virConnectListAllDomains,
                (virConnectPtr c, virDomainPtr** domains, unsigned int flags), (c, domains, flags))
TRELLIS_LIBVIRT(virConnectPtr, virConnectOpen, (char const* uri), (uri))
TRELLIS_LIBVIRT(int, virConnectSetKeepAlive, (virConnectPtr c, int interval, unsigned int count),
                (c, interval, count))
TRELLIS_LIBVIRT(virDomainPtr, virDomainCreateXML,
                (virConnectPtr c, char const* xml, unsigned int flags), (c, xml, flags))
TRELLIS_LIBVIRT(int, virDomainDestroy, (virDomainPtr d), (d))
TRELLIS_LIBVIRT(int, virDomainFree, (virDomainPtr d), (d))
TRELLIS_LIBVIRT(unsigned int, virDomainGetID, (virDomainPtr d), (d))
TRELLIS_LIBVIRT(char*, virDomainGetMetadata,
                (virDomainPtr d, int type, char const* uri, unsigned int flags),
                (d, type, uri, flags))
TRELLIS_LIBVIRT(char const*, virDomainGetName, (virDomainPtr d), (d))
TRELLIS_LIBVIRT(int, virDomainGetState,
                (virDomainPtr d, int* state, int* reason, unsigned int flags),
                (d, state, reason, flags))
TRELLIS_LIBVIRT(virDomainPtr, virDomainLookupByName, (virConnectPtr c, char const* name), (c, name))
TRELLIS_LIBVIRT(int, virDomainResume, (virDomainPtr d), (d))
TRELLIS_LIBVIRT(int, virDomainShutdownFlags, (virDomainPtr d, unsigned int flags), (d, flags))
TRELLIS_LIBVIRT(int, virDomainSuspend, (virDomainPtr d), (d))
TRELLIS_LIBVIRT(int, virEventAddHandle,
                (int fd, int events, virEventHandleCallback callback, void* data,
                 virFreeCallback free),
                (fd, events, callback, data, free))
TRELLIS_LIBVIRT(int, virEventAddTimeout,
                (int timeout, virEventTimeoutCallback callback, void* opaque,
                 virFreeCallback free_opaque),
                (timeout, callback, opaque, free_opaque))
TRELLIS_LIBVIRT(int, virEventRegisterDefaultImpl, (), ())
TRELLIS_LIBVIRT(int, virEventRemoveHandle, (int watch), (watch))
TRELLIS_LIBVIRT(int, virEventRemoveTimeout, (int timer), (timer))
TRELLIS_LIBVIRT(int, virEventRunDefaultImpl, (), ())
TRELLIS_LIBVIRT(void, virEventUpdateTimeout, (int timer, int timeout), (timer, timeout))
TRELLIS_LIBVIRT(virErrorPtr, virGetLastError, (), ())
TRELLIS_LIBVIRT(char const*, virGetLastErrorMessage, (), ())
TRELLIS_LIBVIRT(void, virResetLastError, (), ())
TRELLIS_LIBVIRT(void, virSetErrorFunc, (void* data, virErrorFunc handler), (data, handler))
// NOLINTEND(readability-identifier-naming,cppcoreguidelines-avoid-non-const-global-variables)

namespace trellis::plugins::zmachine {
namespace {

#define TRELLIS_IMPORT(name) \
  { #name, &g_##name }
constexpr Import kImports[] = {
    TRELLIS_IMPORT(virConnectClose),
    TRELLIS_IMPORT(virConnectDomainEventDeregisterAny),
    TRELLIS_IMPORT(virConnectDomainEventRegisterAny),
    TRELLIS_IMPORT(virConnectIsAlive),
    TRELLIS_IMPORT(virConnectListAllDomains),
    TRELLIS_IMPORT(virConnectOpen),
    TRELLIS_IMPORT(virConnectSetKeepAlive),
    TRELLIS_IMPORT(virDomainCreateXML),
    TRELLIS_IMPORT(virDomainDestroy),
    TRELLIS_IMPORT(virDomainFree),
    TRELLIS_IMPORT(virDomainGetID),
    TRELLIS_IMPORT(virDomainGetMetadata),
    TRELLIS_IMPORT(virDomainGetName),
    TRELLIS_IMPORT(virDomainGetState),
    TRELLIS_IMPORT(virDomainLookupByName),
    TRELLIS_IMPORT(virDomainResume),
    TRELLIS_IMPORT(virDomainShutdownFlags),
    TRELLIS_IMPORT(virDomainSuspend),
    TRELLIS_IMPORT(virEventAddHandle),
    TRELLIS_IMPORT(virEventAddTimeout),
    TRELLIS_IMPORT(virEventRegisterDefaultImpl),
    TRELLIS_IMPORT(virEventRemoveHandle),
    TRELLIS_IMPORT(virEventRemoveTimeout),
    TRELLIS_IMPORT(virEventRunDefaultImpl),
    TRELLIS_IMPORT(virEventUpdateTimeout),
    TRELLIS_IMPORT(virGetLastError),
    TRELLIS_IMPORT(virGetLastErrorMessage),
    TRELLIS_IMPORT(virResetLastError),
    TRELLIS_IMPORT(virSetErrorFunc),
};

/// Empty on success.
std::string Load() {
  void* const library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return ::dlerror();  // NOLINT(concurrency-mt-unsafe): called once
  for (auto const& import : kImports) {
    *import.address = ::dlsym(library, import.name);
    if (*import.address == nullptr) return fmt::format("'{}' has no '{}'", kLibrary, import.name);
  }
  return {};
}

}  // namespace

Result<void> LoadLibvirt() {
  static std::string const kFailure = Load();
  if (!kFailure.empty())
    return Fail(Code::kUnavailable, "open libvirt: {}: install package libvirt0", kFailure);
  return {};
}

}  // namespace trellis::plugins::zmachine
