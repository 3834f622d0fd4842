#include "kernel/plugin/order.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace trellis::plugin {

namespace {

using Manifests = std::map<std::string, Manifest>;

/// Service id to plugin; the first by name, as for every doubled name.
std::map<std::string, std::string> Providers(Manifests const& manifests) {
  std::map<std::string, std::string> providers;
  for (auto const& [name, manifest] : manifests) {
    for (auto const& id : manifest.services.provides)
      providers.emplace(id, name);
  }
  return providers;
}

class Sorter {
 public:
  explicit Sorter(Manifests const& manifests)
      : manifests_(manifests), providers_(Providers(manifests)) {}

  StartOrder Run() {
    for (auto const& [name, manifest] : manifests_)
      Visit(name);
    return std::move(order_);
  }

 private:
  void Visit(std::string const& name) {
    if (done_.contains(name)) return;
    if (std::find(path_.begin(), path_.end(), name) != path_.end()) {
      BlockCycle(name);
      return;
    }
    path_.push_back(name);
    std::string missing;
    for (auto const& id : manifests_.at(name).services.requires_) {
      auto const provider = providers_.find(id);
      if (provider != providers_.end()) Visit(provider->second);
      bool const there = provider != providers_.end() && !order_.blocked.contains(provider->second);
      if (!there && missing.empty()) missing = id;
    }
    path_.pop_back();
    done_.insert(name);
    if (order_.blocked.contains(name)) return;
    if (missing.empty()) {
      order_.names.push_back(name);
    } else {
      order_.blocked[name] = fmt::format("needs {}", missing);
    }
  }

  void BlockCycle(std::string const& name) {
    auto const start = std::find(path_.begin(), path_.end(), name);
    std::vector<std::string> const cycle(start, path_.end());
    // Every member tells the cycle from the same, alphabetically first one.
    auto const first = std::min_element(cycle.begin(), cycle.end()) - cycle.begin();
    std::vector<std::string> turned = cycle;
    std::rotate(turned.begin(), turned.begin() + first, turned.end());
    turned.push_back(turned.front());
    for (auto const& member : cycle)
      order_.blocked.emplace(member, fmt::format("{}", fmt::join(turned, " → ")));
  }

  Manifests const& manifests_;
  std::map<std::string, std::string> providers_;
  std::set<std::string> done_;
  std::vector<std::string> path_;
  StartOrder order_;
};

}  // namespace

StartOrder OrderPlugins(Manifests const& manifests) {
  return Sorter(manifests).Run();
}

}  // namespace trellis::plugin
