// Opens a plugin file: the only user of Boost.DLL.
#pragma once

#include <trellis/abi.h>
#include <trellis/result.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace trellis::plugin {

inline constexpr std::string_view kPluginSuffix = ".trellis.so";

/// `[a-z][a-z0-9-]{0,31}`
[[nodiscard]] bool IsPluginName(std::string_view name);
/// The plugin's name from its file name; "" when it is not one.
[[nodiscard]] std::string NameOfFile(std::filesystem::path const& file);

/// Does the file export exactly one entry point, and the one of this ABI? Read without loading it.
Result<void> CheckExports(std::filesystem::path const& file);

/// A loaded plugin. Its code stays mapped until the process ends: unloading is not reliable, and a
/// call given up may still be inside.
class Library {
 public:
  /// Whether the file's initialisers are run in a process of their own first.
  enum class Trial : std::uint8_t { kYes, kNo };

  /// Checks, loads and checks again. Every error names the plugin and the reason. Loading runs the
  /// file's initialisers; one that throws is an error. Not for use by two threads at once.
  static Result<std::unique_ptr<Library>> Open(std::filesystem::path const& file,
                                               Trial trial = Trial::kYes);
  ~Library();
  Library(Library const&) = delete;
  Library& operator=(Library const&) = delete;

  [[nodiscard]] trl_plugin const& descriptor() const { return *descriptor_; }

 private:
  struct Handle;
  explicit Library(std::unique_ptr<Handle> handle, trl_plugin const* descriptor);
  std::unique_ptr<Handle> handle_;
  trl_plugin const* descriptor_;
};

}  // namespace trellis::plugin
