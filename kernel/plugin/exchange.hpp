// One version of a plugin taking the place of another. Only for the sources of Manager.
#pragma once

#include "kernel/plugin/manager.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace trellis::plugin {

/// Keeps a gate closed.
class Closing {
 public:
  explicit Closing(std::shared_ptr<Gate> gate) : gate_(std::move(gate)) { gate_->Close(); }
  /// Closed by somebody else already; opened here.
  static Closing Adopt(std::shared_ptr<Gate> gate) { return Closing(std::move(gate), 0); }
  Closing(Closing&&) noexcept = default;
  Closing& operator=(Closing&&) = delete;
  Closing(Closing const&) = delete;
  Closing& operator=(Closing const&) = delete;
  ~Closing() {
    if (gate_ != nullptr) gate_->Open();
  }

 private:
  Closing(std::shared_ptr<Gate> gate, int) : gate_(std::move(gate)) {}
  std::shared_ptr<Gate> gate_;
};

struct Manager::Exchange {
  PluginRecord& old;
  PluginRecord& next;
  bool ran = false;                  ///< the old one has a say: it runs
  bool stopped = false;              ///< it did
  std::string step{};                ///< under way, for people
  std::string health{};              ///< what the old one last said of it
  std::vector<std::string> order{};  ///< of all plugins, with the next one's needs
  std::vector<Closing> closed{};
};

}  // namespace trellis::plugin
