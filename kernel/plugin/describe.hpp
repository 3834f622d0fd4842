// What a plugin is, told by its own code: the descriptor, and what it registers when it is created
// with a host that only takes notes.
#pragma once

#include "kernel/plugin/helper/registration.hpp"
#include "kernel/plugin/manifest.hpp"

#include <trellis/result.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace trellis::plugin {

struct Description {
  std::string name;
  std::string version;
  std::string manifest;  ///< the text in the descriptor
  AbiFacts abi;
  bool parallel = false;
  bool may_be_inline = true;
  std::vector<TypeRegistration> types;
  std::vector<std::string> services;
  std::vector<CommandRegistration> commands;
  std::vector<ProviderRegistration> providers;
};
BOOST_DESCRIBE_STRUCT(Description, (),
                      (name, version, manifest, abi, parallel, may_be_inline, types, services,
                       commands, providers))

/// The plugin's folders while it is described, below one that is there.
struct DescribeFolders {
  std::string state_dir;
  std::string run_dir;
  explicit DescribeFolders(std::filesystem::path const& scratch)
      : state_dir(scratch / "state"), run_dir(scratch / "run") {}
};

/// Opens the file and creates the plugin in this process, which runs the plugin's code: for a
/// process that has nothing to lose. Extensions but command and provider are not there, services
/// answer kUnavailable. Errors as Library::Open, and what `create` answers.
Result<Description> DescribeHere(std::filesystem::path const& file, DescribeFolders const& folders);

/// The same in a process of its own. `plugin_host`: path of trellis-plugin-host. kTimeout after 30
/// s.
Result<Description> DescribeApart(std::filesystem::path const& plugin_host,
                                  std::filesystem::path const& file);

/// What DescribeHere found, as the line between the two processes.
[[nodiscard]] std::string DescriptionText(Result<Description> const& found);

}  // namespace trellis::plugin
