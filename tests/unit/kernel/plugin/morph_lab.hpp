// A lab with one plugin of which there are three versions.
#pragma once

#include "kernel/sys/files.hpp"
#include "tests/unit/kernel/plugin/plugin_lab.hpp"

#include <string>

namespace trellis::plugin {

class MorphLab {
 public:
  MorphLab() {
    std::filesystem::create_directories(lab.plugins());
    // Versions are exchanged in the daemon itself only in dev mode.
    lab.trust = PluginTrust{std::filesystem::path(TRELLIS_BUILD_DIR) / "trust.d",
                            lab.hosting == Hosting::kInline};
    lab.config["morph"].config_json = R"({"color":"red"})";
    lab.reload.probation = std::chrono::minutes(10);
    Install(1);
  }

  /// Puts the files of that version into the folder, each at once.
  void Install(int version) const {
    auto const from =
        std::filesystem::path(TRELLIS_BUILD_DIR) / "morph-plugins" / std::to_string(version);
    for (auto const* kind : {"trellis.so", "manifest.json", "manifest.json.sig"}) {
      auto const name = std::string("morph.") + kind;
      std::filesystem::copy_file(from / name, lab.root() / name);
      std::filesystem::rename(lab.root() / name, lab.plugins() / name);
    }
  }
  /// What that version does wrong.
  void Script(int version, std::string const& text) const {
    std::filesystem::create_directories(lab.root() / "run/plugins/morph");
    ASSERT_TRUE(sys::WriteFileAtomic(
        lab.root() / ("run/plugins/morph/script-" + std::to_string(version)), text));
  }
  [[nodiscard]] OpAnswer Provision(std::string const& data = "{}",
                                   std::string const& type = "morph") const {
    return lab.manager().Run(Op::kProvision, RequestFor(type, data), nullptr);
  }
  /// Version and configuration of the code that answers.
  [[nodiscard]] std::string Result() const {
    auto const answer = Provision();
    return answer.status == TRL_OK ? answer.result : answer.error;
  }
  [[nodiscard]] bool AnswersAs(std::string const& version) const {
    return Result().find("\"version\":\"" + version + "\"") != std::string::npos;
  }
  [[nodiscard]] std::string File(std::string const& name) const {
    auto const text = sys::ReadFile(lab.root() / "state/plugins/morph" / name);
    return text ? *text : "(none)";
  }
  /// Everything in the state folder, and the keys.
  [[nodiscard]] std::string State() const {
    std::set<std::string> parts;
    for (auto const& entry :
         std::filesystem::recursive_directory_iterator(lab.root() / "state/plugins/morph"))
      parts.insert(entry.path().filename().string() + "=" + File(entry.path().filename().string()));
    std::string text;
    for (auto const& part : parts)
      text += part;
    return text + lab.kernel().KvGet("morph", "started-by").value_or("(none)");
  }

  mutable PluginLab lab;
};

}  // namespace trellis::plugin
