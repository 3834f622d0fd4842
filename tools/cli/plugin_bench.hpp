// One plugin at work outside a node: in a confined process, with a kernel that keeps its store in
// memory.
#pragma once

#include "kernel/plugin/manager.hpp"
#include "kernel/plugin/no_kernel.hpp"
#include "tools/cli/copies_folder.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::cli {

struct BenchOptions {
  std::filesystem::path file;
  std::string config = "{}";
  std::vector<std::string> grants;  ///< permissions; what else the plugin asks for it does not get
  std::filesystem::path state;      ///< folder of its state, kept; "" = gone at the end
};

/// An operation of a type: provision, update, deprovision, pause, resume, precheck, inspect, list,
/// valid, challenge, capacity, weight or dependencies.
struct Operation {
  std::string name;
  std::string type;
  std::string data = "{}";
  std::string previous;  ///< data in effect, for those that want it
  std::string handle;    ///< what an earlier operation gave back
  std::string workload = "hand";
};

class PluginBench {
 public:
  /// kInvalid with the plugin's own reason when it does not get to work.
  static Result<std::unique_ptr<PluginBench>> Open(BenchOptions const& options);

  [[nodiscard]] plugin::PluginStatus Status() const;
  [[nodiscard]] std::vector<std::string> LastLines() const;
  /// What the plugin says, as a JSON object; its refusal is the error. kNotFound: no such type or
  /// operation.
  Result<boost::json::object> Do(Operation const& operation);
  Result<json::Value> Command(std::string const& name, std::string const& payload);
  Result<json::Value> Service(std::string const& id, std::string const& method,
                              std::string const& body);

 private:
  explicit PluginBench(CopiesFolder scratch) : scratch_(std::move(scratch)) {}
  Result<std::string> TypeOf(std::string const& wanted) const;
  Result<boost::json::object> Examine(Operation const& operation, std::string const& type);
  Result<boost::json::object> Effect(plugin::Op op, plugin::OpRequest const& request);

  CopiesFolder scratch_;
  plugin::MemoryKernel kernel_{"this is no node"};
  std::string name_;
  std::unique_ptr<plugin::Manager> manager_;
};

}  // namespace trellis::cli
