// The other programs of this project, which are beside this one.
#pragma once

#include <trellis/result.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::cli {

[[nodiscard]] std::filesystem::path ProgramBeside(std::string_view name);
/// Becomes the program beside this one, with these words after its name: signals and output are its
/// own. Only comes back when that fails.
Result<void> Become(std::string_view name, std::vector<std::string> words);

}  // namespace trellis::cli
