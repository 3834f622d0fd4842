// completion bash: made from the commands themselves.
#include "tools/cli/app.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

namespace trellis::cli {
namespace {

/// `path) words="…";;` for a command and all below it.
void AddCases(CLI::App const& command, std::string const& path, std::string& out) {
  std::vector<std::string> words;
  for (auto const* sub : command.get_subcommands([](CLI::App const*) { return true; })) {
    words.push_back(sub->get_name());
    AddCases(*sub, path + " " + sub->get_name(), out);
  }
  for (auto const* option : command.get_options()) {
    if (!option->get_lnames().empty()) words.push_back("--" + option->get_lnames().front());
  }
  out += fmt::format("    \"{}\") words=\"{}\" ;;\n", path, fmt::join(words, " "));
}

std::string BashScript(CLI::App const& root) {
  std::string cases;
  AddCases(root, "trellis", cases);
  return fmt::format(R"sh(_trellis() {{
  local path=trellis word words=""
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$word" in -*) ;; *) path="$path $word" ;; esac
  done
  case "$path" in
{}  esac
  COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
  [ ${{#COMPREPLY[@]}} -gt 0 ] || COMPREPLY=($(compgen -f -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -F _trellis trellis
)sh",
                     cases);
}

}  // namespace

void AddCompletion(CLI::App& root, App& app) {
  auto* const completion =
      root.add_subcommand("completion", "shell completion")->require_subcommand(1);
  app.On(completion->add_subcommand("bash", "print a script: source <(trellis completion bash)"),
         [&root, &app]() -> Result<void> {
           auto const script = BashScript(root);
           app.Print(boost::json::object{{"script", script}}, script);
           return {};
         });
}

}  // namespace trellis::cli
