// `trellis plugin new`: a project that builds a plugin and tests it.
#pragma once

#include <trellis/result.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::cli {

struct PluginProject {
  std::string name;      ///< of the plugin and of its workload type
  std::string language;  ///< c++, c or rust
  std::filesystem::path dir;
};

/// Writes the project. The files, relative to its folder. kInvalid: the name or the language is no
/// good; kExists: the folder is there.
Result<std::vector<std::string>> WritePluginProject(PluginProject const& project);

/// What to type next, one command per line.
std::string NextSteps(PluginProject const& project);

}  // namespace trellis::cli
