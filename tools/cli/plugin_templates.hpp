// The files that `trellis plugin new` writes; generated from sdk/templates.
#pragma once

#include <string_view>
#include <vector>

namespace trellis::cli {

struct TemplateFile {
  std::string_view language;  ///< cpp, c or rust
  std::string_view path;      ///< below the project; may hold @IDENT@
  std::string_view text;      ///< may hold @NAME@, @IDENT@ and @CLASS@
};

std::vector<TemplateFile> PluginTemplates();

}  // namespace trellis::cli
