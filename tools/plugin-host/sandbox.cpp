#include "tools/plugin-host/sandbox.hpp"

#include "kernel/plugin/helper/usage.hpp"
#include "kernel/sys/errors.hpp"
#include "tools/plugin-host/landlock.hpp"
#include "tools/plugin-host/syscall_filter.hpp"

#include <cap-ng.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace trellis::plugin_host {

namespace {

std::vector<unsigned> CapabilitiesOf(plugin::HelperRights const& rights) {
  std::vector<unsigned> kept;
  if (rights.net_admin) kept.insert(kept.end(), {CAP_NET_ADMIN, CAP_NET_RAW});
  if (rights.net_bind_low) kept.push_back(CAP_NET_BIND_SERVICE);
  if (!rights.confined()) kept.push_back(CAP_SYS_ADMIN);
  if (rights.fs_owner) {
    // What root is used to with files, and what overlayfs does on behalf of who mounted it.
    kept.insert(kept.end(), {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER,
                             CAP_FSETID, CAP_MKNOD, CAP_SETFCAP});
  }
  return kept;
}

/// The bounding set too, so that no program started from here gets one back.
Result<void> DropCapabilities(plugin::HelperRights const& rights, std::vector<std::string>& gaps) {
  if (::capng_get_caps_process() != 0) return Fail(Code::kIo, "cannot read the capabilities");
  if (::capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) == 0) {
    gaps.emplace_back("capabilities stay as they are: the daemon does not run as root");
    return {};
  }
  std::vector<unsigned> kept;
  for (auto const capability : CapabilitiesOf(rights)) {
    if (::capng_have_capability(CAPNG_PERMITTED, capability) != 0) kept.push_back(capability);
  }
  ::capng_clear(CAPNG_SELECT_ALL);
  for (auto const capability : kept) {
    constexpr auto kSets = CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET;
    if (::capng_update(CAPNG_ADD, static_cast<capng_type_t>(kSets), capability) != 0)
      return Fail(Code::kInternal, "capability {} is unknown", capability);
  }
  // The bounding set needs CAP_SETPCAP, so it goes first.
  if (::capng_apply(CAPNG_SELECT_BOUNDS) != 0 || ::capng_apply(CAPNG_SELECT_CAPS) != 0)
    return Fail(Code::kIo, "cannot drop capabilities");
  return {};
}

}  // namespace

Result<std::vector<std::string>> EnterSandbox(SandboxOptions const& options) {
  std::vector<std::string> gaps;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return sys::Fail("set", "no_new_privs");
  rlimit const files{plugin::kMaxHelperDescriptors, plugin::kMaxHelperDescriptors};
  if (::setrlimit(RLIMIT_NOFILE, &files) != 0) return sys::Fail("limit", "descriptors");
  TRELLIS_CHECK(DropCapabilities(options.rights, gaps));
  if (options.rights.confined()) TRELLIS_CHECK(ConfineFiles(options, gaps));
  TRELLIS_CHECK(FilterSyscalls(options.rights));
  return gaps;
}

}  // namespace trellis::plugin_host
