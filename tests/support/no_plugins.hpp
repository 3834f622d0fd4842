// Plugins that offer nothing: a base for what a test needs of them.
#pragma once

#include "kernel/plugin/types.hpp"

namespace trellis::testing {

class NoPlugins : public plugin::Plugins {
 public:
  bool Known(std::string_view) const override { return false; }
  bool Sharable(std::string_view) const override { return false; }
  bool Updatable(std::string_view) const override { return false; }
  Result<grid::Examined> Examine(grid::Deployment const&, grid::Workload const&, bool) override {
    return grid::Examined{};
  }
  std::optional<plugin::TypeInfo> Type(std::string_view) const override { return std::nullopt; }
  std::vector<plugin::TypeInfo> Types() const override { return {}; }
  plugin::OpAnswer Run(plugin::Op, plugin::OpRequest const&,
                       std::shared_ptr<plugin::CancelToken>) override {
    return {};
  }
  plugin::OpAnswer Precheck(plugin::Op, plugin::OpRequest const&) override { return {}; }
  Result<plugin::InspectAnswer> Inspect(plugin::OpRequest const&) override {
    return plugin::InspectAnswer{};
  }
  Result<std::vector<std::string>> ListOwned(std::string_view) override {
    return std::vector<std::string>();
  }
  void Recovered(std::vector<std::pair<std::string, std::string>> const&) override {}
  std::optional<plugin::CommandInfo> Command(std::string_view) const override {
    return std::nullopt;
  }
  plugin::CommandReply RunCommand(std::string_view name, std::uint32_t, std::string_view) override {
    return Fail(Code::kNotFound, "no command '{}'", name);
  }
  std::vector<plugin::Provided> Provide(std::string_view, std::string_view) override { return {}; }
  Result<std::string> CallService(std::string_view id, std::string_view, std::string_view,
                                  std::vector<int>*) override {
    return Fail(Code::kUnavailable, "no service '{}'", id);
  }
  void Publish(std::string_view, std::string_view) override {}
  std::vector<plugin::PluginStatus> Status() const override { return {}; }
};

}  // namespace trellis::testing
