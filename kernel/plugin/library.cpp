#include "kernel/plugin/library.hpp"

#include "kernel/sys/files.hpp"
#include "kernel/sys/process.hpp"

#include <trellis/host.hpp>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <boost/dll/library_info.hpp>
#include <boost/dll/shared_library.hpp>

#include <vector>

namespace trellis::plugin {

struct Library::Handle {
  boost::dll::shared_library library;
};

namespace {

constexpr std::string_view kSymbolPrefix = "trellis_plugin_v";
constexpr char const* kSymbol = "trellis_plugin_v1";
constexpr std::chrono::seconds kTrialLimit{10};
constexpr int kLoadMode = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE;
constexpr std::uint32_t kMinPluginSize = 72;  // through destroy

Result<void> CheckFile(std::filesystem::path const& file, std::string const& name) {
  auto opened = sys::OpenFile(file, O_RDONLY | O_NOFOLLOW);
  if (!opened) return tl::unexpected<Error>(std::move(opened).error().With("plugin '{}'", name));
  struct stat facts {};
  if (::fstat(opened->get(), &facts) != 0 || !S_ISREG(facts.st_mode))
    return Fail(Code::kInvalid, "plugin '{}': '{}' is not a regular file", name, file.string());
  return {};
}

/// The exported entry points, read from the file without loading it.
Result<std::vector<std::string>> EntryPoints(std::filesystem::path const& file,
                                             std::string const& name) try {
  boost::dll::library_info info(file, /*throw_if_not_native_format=*/true);
  std::vector<std::string> found;
  for (auto& symbol : info.symbols()) {
    if (symbol.starts_with(kSymbolPrefix)) found.push_back(std::move(symbol));
  }
  return found;
} catch (std::exception const& e) {
  return Fail(Code::kInvalid, "plugin '{}': '{}' is not a shared library: {}", name, file.string(),
              e.what());
}

Result<void> CheckEntryPoint(std::vector<std::string> const& symbols, std::string const& name) {
  if (symbols.empty())
    return Fail(Code::kInvalid, "plugin '{}' does not export '{}'", name, kSymbol);
  if (symbols.size() > 1)
    return Fail(Code::kAbi, "plugin '{}' exports {} entry points, expected one", name,
                symbols.size());
  if (symbols.front() == kSymbol) return {};
  return Fail(Code::kAbi,
              "plugin '{}' was built for plugin ABI {} (symbol {}), this host speaks {}", name,
              symbols.front().substr(kSymbolPrefix.size()), symbols.front(), TRL_ABI_MAJOR);
}

/// The runtime that a sanitized plugin needs loaded first, with a colon; empty in other builds.
std::string SanitizerRuntime() {
  for (auto const* const entry : {"__asan_init", "__tsan_init"}) {
    ::Dl_info info{};
    auto const* const symbol = ::dlsym(RTLD_DEFAULT, entry);
    if (symbol != nullptr && ::dladdr(symbol, &info) != 0 &&
        std::string_view(info.dli_fname).find(".so") != std::string_view::npos)
      return std::string(info.dli_fname) + ":";
  }
  return {};
}

/// Runs the file's initialisers in a throw-away process first. One that throws in here would leave
/// the loader's lock taken, and every later load by another thread would wait for ever; one that
/// crashes or hangs would take the daemon along.
Result<void> TryInitialisers(std::filesystem::path const& file, std::string const& name) {
  // By descriptor: a path with a blank or a colon would be several.
  constexpr int kPlugin = 9;
  TRELLIS_TRY(auto const opened, sys::OpenFile(file, O_RDONLY));
  TRELLIS_TRY(auto const silence, sys::OpenFile("/dev/null", O_WRONLY));
  sys::SpawnOptions options;
  options.argv = {"/bin/true"};
  options.env = std::vector<std::string>{
      "LD_BIND_NOW=1", fmt::format("LD_PRELOAD={}/proc/self/fd/{}", SanitizerRuntime(), kPlugin),
      "ASAN_OPTIONS=detect_leaks=0"};
  options.fds = {{silence.get(), 1}, {silence.get(), 2}, {opened.get(), kPlugin}};
  TRELLIS_TRY(auto trial, sys::ChildProcess::Spawn(options));
  auto const ended = trial.Wait(kTrialLimit);
  if (!ended)
    return Fail(Code::kInternal, "plugin '{}' cannot be loaded: {}", name, ended.error().message);
  if (!ended->ok())
    return Fail(Code::kInternal, "plugin '{}' cannot be loaded: its initialisers failed ({})", name,
                ended->ToString());
  return {};
}

/// The C library declares dlopen as never throwing. Behind a pointer that the compiler cannot see
/// through, an exception of an initialiser can be caught after all.
Result<void> Initialise(std::filesystem::path const& file, std::string const& name) {
  auto const failed = [&](std::string_view how) {
    return Fail(Code::kInternal, "plugin '{}' cannot be loaded: its initialisers failed ({})", name,
                how);
  };
  void* (*volatile const opaque)(char const*, int) = &::dlopen;
  auto* const open = opaque;
  try {
    void* const handle = open(file.c_str(), kLoadMode);
    if (handle != nullptr) ::dlclose(handle);  // kept by RTLD_NODELETE
  } catch (std::exception const& e) {
    return failed(e.what());
  } catch (...) {
    return failed("unknown exception");
  }
  return {};
}

Result<void> CheckDescriptor(trl_plugin const* plugin, std::string const& name) {
  if (plugin == nullptr) return Fail(Code::kAbi, "plugin '{}' has no descriptor", name);
  if (plugin->size < kMinPluginSize)
    return Fail(Code::kAbi, "plugin '{}' has a descriptor of {} bytes, at least {} are needed",
                name, plugin->size, kMinPluginSize);
  if (plugin->abi_major != TRL_ABI_MAJOR)
    return Fail(Code::kAbi, "plugin '{}' was built for plugin ABI {}, this host speaks {}", name,
                plugin->abi_major, TRL_ABI_MAJOR);
  if (plugin->abi_minor_required > TRL_ABI_MINOR)
    return Fail(Code::kAbi, "plugin '{}' needs plugin ABI {}.{}, this host has {}.{}", name,
                TRL_ABI_MAJOR, plugin->abi_minor_required, TRL_ABI_MAJOR, TRL_ABI_MINOR);
  if (plugin->name == nullptr || plugin->version == nullptr || plugin->manifest == nullptr ||
      plugin->create == nullptr || plugin->start == nullptr || plugin->stop == nullptr ||
      plugin->destroy == nullptr)
    return Fail(Code::kAbi, "plugin '{}' leaves out a mandatory part of its descriptor", name);
  if (name != plugin->name)
    return Fail(Code::kInvalid, "plugin '{}' calls itself '{}'", name, plugin->name);
  if (*plugin->version == '\0') return Fail(Code::kInvalid, "plugin '{}' has no version", name);
  return {};
}

}  // namespace

bool IsPluginName(std::string_view name) {
  constexpr std::size_t kMaxPluginName = 32;
  auto const lower = [](char c) { return c >= 'a' && c <= 'z'; };
  if (name.empty() || name.size() > kMaxPluginName || !lower(name.front())) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '-'; });
}

std::string NameOfFile(std::filesystem::path const& file) {
  auto name = file.filename().string();
  if (!name.ends_with(kPluginSuffix)) return {};
  name.resize(name.size() - kPluginSuffix.size());
  return name;
}

Result<void> CheckExports(std::filesystem::path const& file) {
  auto const name = NameOfFile(file);
  TRELLIS_TRY(auto const symbols, EntryPoints(file, name));
  return CheckEntryPoint(symbols, name);
}

Library::Library(std::unique_ptr<Handle> handle, trl_plugin const* descriptor)
    : handle_(std::move(handle)), descriptor_(descriptor) {}
Library::~Library() = default;

Result<std::unique_ptr<Library>> Library::Open(std::filesystem::path const& file, Trial trial) {
  auto const name = NameOfFile(file);
  if (!IsPluginName(name))
    return Fail(Code::kInvalid, "'{}' is not a plugin file name", file.filename().string());
  TRELLIS_CHECK(CheckFile(file, name));
  TRELLIS_CHECK(CheckExports(file));
  auto const path = std::filesystem::absolute(file);
  if (trial == Trial::kYes) TRELLIS_CHECK(TryInitialisers(path, name));
  auto handle = std::make_unique<Handle>();
  // The type without noexcept, so that whatever a plugin throws can be caught here.
  trl_plugin const* (*entry)() = nullptr;
  try {
    TRELLIS_CHECK(Initialise(path, name));
    handle->library.load(path, static_cast<boost::dll::load_mode::type>(kLoadMode));
    entry = reinterpret_cast<trl_plugin const* (*)()>(
        handle->library.native() != nullptr ? ::dlsym(handle->library.native(), kSymbol) : nullptr);
    if (entry == nullptr)
      return Fail(Code::kAbi, "plugin '{}' does not export '{}'", name, kSymbol);
    auto const* descriptor = entry();
    TRELLIS_CHECK(CheckDescriptor(descriptor, name));
    return std::unique_ptr<Library>(new Library(std::move(handle), descriptor));
  } catch (std::exception const& e) {
    return Fail(Code::kInternal, "plugin '{}' cannot be loaded: {}", name, e.what());
  } catch (...) {
    return Fail(Code::kInternal, "plugin '{}' cannot be loaded: its initialiser threw", name);
  }
}

}  // namespace trellis::plugin
