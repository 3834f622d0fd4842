#include "tools/cli/plugin_new.hpp"

#include "kernel/plugin/library.hpp"
#include "tools/cli/app.hpp"
#include "tools/cli/plugin_templates.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <system_error>

namespace trellis::cli {

namespace {

namespace fs = std::filesystem;

// Names of Trellis' own plugins and types, and those that a compiler keeps for itself.
constexpr std::array<std::string_view, 13> kTakenNames{
    "storage",           "flist", "network", "ip",   "ipv4",    "zmount",
    "zmachine",          "zlogs", "zdb",     "qsfs", "gateway", "gateway-name-proxy",
    "gateway-fqdn-proxy"};
constexpr std::array<std::string_view, 6> kReservedNames{"test",  "core",     "std",
                                                         "alloc", "workload", "proc-macro"};

template <class List>
bool Holds(List const& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

Result<void> CheckName(std::string const& name) {
  if (!plugin::IsPluginName(name))
    return Fail(Code::kInvalid,
                "'{}' is no plugin name: use 1 to 32 lower-case letters, digits and '-', and begin "
                "with a letter",
                name);
  if (name.ends_with('-') || name.find("--") != std::string::npos)
    return Fail(Code::kInvalid, "'{}' is no plugin name: put a letter or digit after each '-'",
                name);
  if (Holds(kTakenNames, name))
    return Fail(Code::kInvalid, "'{}' belongs to Trellis itself: choose another name", name);
  if (Holds(kReservedNames, name))
    return Fail(Code::kInvalid, "'{}' is a word of the compilers: choose another name", name);
  return {};
}

Result<std::string_view> TemplateOf(std::string_view language) {
  if (language == "c++" || language == "cpp" || language == "cxx") return "cpp";
  if (language == "c" || language == "rust") return language;
  return Fail(Code::kInvalid, "there is no template for '{}': use --lang c++, c or rust", language);
}

/// my-lamp -> my_lamp
std::string IdentOf(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

/// my-lamp -> MyLamp
std::string ClassOf(std::string_view name) {
  std::string text;
  bool up = true;
  for (char const c : name) {
    bool const letter = c >= 'a' && c <= 'z';
    if (c != '-') text += up && letter ? static_cast<char>(c - 'a' + 'A') : c;
    up = c == '-';
  }
  return text;
}

std::string Fill(std::string_view text, std::string const& name) {
  std::array<std::pair<std::string_view, std::string>, 3> const words{
      {{"@NAME@", name}, {"@IDENT@", IdentOf(name)}, {"@CLASS@", ClassOf(name)}}};
  std::string out(text);
  for (auto const& [word, value] : words) {
    for (auto at = out.find(word); at != std::string::npos; at = out.find(word, at + value.size()))
      out.replace(at, word.size(), value);
  }
  return out;
}

Result<void> WriteFile(fs::path const& path, std::string_view text) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) return Fail(Code::kIo, "cannot write '{}'", path.string());
  return {};
}

Result<void> MakeFolder(fs::path const& dir) {
  std::error_code error;
  if (fs::exists(fs::symlink_status(dir, error)))
    return Fail(Code::kExists, "'{}' exists already: remove it, or choose another one with --dir",
                dir.string());
  fs::create_directories(dir, error);
  if (error) return Fail(Code::kIo, "cannot make '{}': {}", dir.string(), error.message());
  return {};
}

Result<std::vector<std::string>> WriteFiles(PluginProject const& project,
                                            std::string_view language) {
  std::vector<std::string> written;
  for (auto const& file : PluginTemplates()) {
    if (file.language != language) continue;
    written.push_back(Fill(file.path, project.name));
    TRELLIS_CHECK(WriteFile(project.dir / written.back(), Fill(file.text, project.name)));
  }
  std::sort(written.begin(), written.end());
  return written;
}

}  // namespace

Result<std::vector<std::string>> WritePluginProject(PluginProject const& project) {
  TRELLIS_CHECK(CheckName(project.name));
  TRELLIS_TRY(auto const language, TemplateOf(project.language));
  TRELLIS_CHECK(MakeFolder(project.dir));
  auto written = WriteFiles(project, language);
  if (!written) {
    std::error_code ignored;
    fs::remove_all(project.dir, ignored);
  }
  return written;
}

std::string NextSteps(PluginProject const& project) {
  auto const dir = project.dir.string();
  if (project.language == "rust") return fmt::format("cd {}\nmake test", dir);
  return fmt::format(
      "cd {}\ncmake -B build && cmake --build build\nctest --test-dir build --output-on-failure",
      dir);
}

void AddPluginNew(CLI::App& plugin, App& app) {
  auto* const command = plugin.add_subcommand("new", "write a project that builds a plugin");
  auto project = std::make_shared<PluginProject>();
  auto dir = std::make_shared<std::string>();
  command->add_option("name", project->name, "of the plugin: lower-case letters, digits, '-'")
      ->required();
  command->add_option("--lang", project->language, "c++, c or rust (default: c++)");
  command->add_option("--dir", *dir, "folder of the project (default: the plugin's name)");
  app.On(command, [&app, project, dir]() -> Result<void> {
    if (project->language.empty()) project->language = "c++";
    project->dir = dir->empty() ? project->name : *dir;
    TRELLIS_TRY(auto const files, WritePluginProject(*project));
    boost::json::array names(files.begin(), files.end());
    app.Print(boost::json::object{{"dir", project->dir.string()}, {"files", names}},
              fmt::format("made the plugin '{}' in {}; next:\n\n{}\n", project->name,
                          project->dir.string(), NextSteps(*project)));
    return {};
  });
}

}  // namespace trellis::cli
