// Manifest files: written from what the code is, compared with what it is.
#pragma once

#include "kernel/plugin/describe.hpp"
#include "kernel/plugin/manifest.hpp"
#include "kernel/plugin/registry.hpp"

#include <trellis/result.hpp>

#include <string>

namespace trellis::plugin {

/// The text of the manifest file of a plugin. kInvalid when the text in its descriptor contradicts
/// what the code does; the error names the item.
Result<std::string> PackManifest(Description const& found, FileFacts const& file);

[[nodiscard]] Registered RegisteredIn(Description const& found);

/// Types and services must be the manifest's; of commands and providers some may be missing, which
/// were not granted. kInvalid names the item and which of both lacks it.
Result<void> CompareRegistered(Manifest const& manifest, Registered const& found);

/// Version and ABI of the code against the manifest's.
Result<void> CompareDescriptor(Manifest const& manifest, std::string_view version,
                               AbiFacts const& abi);

}  // namespace trellis::plugin
