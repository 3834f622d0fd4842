// Plugins that offer nothing: of a node that must not touch any.
#pragma once

#include "kernel/plugin/types.hpp"

namespace trellis::plugin {

class NoPlugins : public Plugins {
 public:
  bool Known(std::string_view) const override { return false; }
  bool Sharable(std::string_view) const override { return false; }
  bool Updatable(std::string_view) const override { return false; }
  Result<grid::Examined> Examine(grid::Deployment const&, grid::Workload const&, bool) override {
    return grid::Examined{};
  }
  std::optional<TypeInfo> Type(std::string_view) const override { return std::nullopt; }
  std::vector<TypeInfo> Types() const override { return {}; }
  OpAnswer Run(Op, OpRequest const&, std::shared_ptr<CancelToken>) override { return {}; }
  OpAnswer Precheck(Op, OpRequest const&) override { return {}; }
  Result<InspectAnswer> Inspect(OpRequest const&) override { return InspectAnswer{}; }
  Result<std::vector<std::string>> ListOwned(std::string_view) override {
    return std::vector<std::string>();
  }
  void Recovered(std::vector<std::pair<std::string, std::string>> const&) override {}
  std::optional<CommandInfo> Command(std::string_view) const override { return std::nullopt; }
  CommandReply RunCommand(std::string_view name, std::uint32_t, std::string_view) override {
    return Fail(Code::kNotFound, "no command '{}'", name);
  }
  std::vector<Provided> Provide(std::string_view, std::string_view) override { return {}; }
  Result<std::string> CallService(std::string_view id, std::string_view, std::string_view,
                                  std::vector<int>*) override {
    return Fail(Code::kUnavailable, "no service '{}'", id);
  }
  void Publish(std::string_view, std::string_view) override {}
  std::vector<PluginStatus> Status() const override { return {}; }
};

}  // namespace trellis::plugin
