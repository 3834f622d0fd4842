// The names of the keys. Numbers have 20 digits, so that they sort.
#pragma once

#include "kernel/ledger/types.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace trellis::ledger::etcd {

class Keys {
 public:
  explicit Keys(std::string prefix) : prefix_(std::move(prefix)) {}

  // What ends with '/' is the common beginning of several keys.
  [[nodiscard]] std::string Head() const { return prefix_ + "head"; }
  [[nodiscard]] std::string Writer(std::string_view instance) const {
    return fmt::format("{}writer/{}", prefix_, instance);
  }
  [[nodiscard]] std::string Request(std::uint32_t twin, std::string_view request) const {
    return fmt::format("{}req/{:020}/{}", prefix_, twin, request);
  }
  [[nodiscard]] std::string Events() const { return prefix_ + "event/"; }
  [[nodiscard]] std::string Event(std::uint64_t seq) const { return Numbered("event", seq); }

  [[nodiscard]] std::string Twins() const { return prefix_ + "twin/"; }
  [[nodiscard]] std::string Twin(std::uint32_t id) const { return Numbered("twin", id); }
  [[nodiscard]] std::string Account(ledger::Account const& account) const {
    return fmt::format("{}account/{}", prefix_, account.ToString());
  }

  [[nodiscard]] std::string Farms() const { return prefix_ + "farm/"; }
  [[nodiscard]] std::string Farm(std::uint32_t id) const { return Numbered("farm", id); }
  [[nodiscard]] std::string FarmName(std::string_view name) const {
    return fmt::format("{}farmname/{}", prefix_, name);
  }
  [[nodiscard]] std::string FarmIps(std::uint32_t farm) const {
    return Numbered("farmip", farm) + '/';
  }
  [[nodiscard]] std::string FarmIp(std::uint32_t farm, std::uint64_t pos) const {
    return Numbered("farmip", farm, pos);
  }
  [[nodiscard]] std::string Ip(std::string_view ip) const {
    return fmt::format("{}ip/{}", prefix_, ip);
  }

  [[nodiscard]] std::string Node(std::uint32_t id) const { return Numbered("node", id); }
  [[nodiscard]] std::string NodeOfTwin(std::uint32_t twin) const {
    return Numbered("nodetwin", twin);
  }
  [[nodiscard]] std::string FarmNodes(std::uint32_t farm) const {
    return Numbered("farmnode", farm) + '/';
  }
  [[nodiscard]] std::string FarmNode(std::uint32_t farm, std::uint32_t node) const {
    return Numbered("farmnode", farm, node);
  }

  [[nodiscard]] std::string Contract(std::uint64_t id) const { return Numbered("contract", id); }
  [[nodiscard]] std::string Name(std::string_view name) const {
    return fmt::format("{}name/{}", prefix_, name);
  }
  [[nodiscard]] std::string Hash(std::uint32_t node, std::string_view hash) const {
    return fmt::format("{}hash/{:020}/{}", prefix_, node, hash);
  }
  [[nodiscard]] std::string Rent(std::uint32_t node) const { return Numbered("rent", node); }
  [[nodiscard]] std::string Active(std::uint32_t node) const {
    return Numbered("active", node) + '/';
  }
  [[nodiscard]] std::string Active(std::uint32_t node, std::uint64_t contract) const {
    return Numbered("active", node, contract);
  }
  [[nodiscard]] std::string Owned(std::uint32_t twin) const {
    return Numbered("owned", twin) + '/';
  }
  [[nodiscard]] std::string Owned(std::uint32_t twin, std::uint64_t contract) const {
    return Numbered("owned", twin, contract);
  }

  /// Deleted contracts, by id and by the time of deletion.
  [[nodiscard]] std::string Deleted() const { return prefix_ + "deleted/"; }
  [[nodiscard]] std::string Deleted(std::uint64_t id) const { return Numbered("deleted", id); }
  [[nodiscard]] std::string DeletedAt() const { return prefix_ + "deletedat/"; }
  [[nodiscard]] std::string DeletedAt(std::uint64_t at, std::uint64_t id) const {
    return Numbered("deletedat", at, id);
  }

  [[nodiscard]] std::string Resources(std::uint64_t contract) const {
    return Numbered("resources", contract);
  }
  [[nodiscard]] std::string Nru(std::uint64_t contract) const {
    return Numbered("nru", contract) + '/';
  }
  [[nodiscard]] std::string Nru(std::uint64_t contract, std::uint64_t start) const {
    return Numbered("nru", contract, start);
  }
  [[nodiscard]] std::string Uptime(std::uint32_t node) const {
    return Numbered("uptime", node) + '/';
  }
  [[nodiscard]] std::string Uptime(std::uint32_t node, std::uint64_t at) const {
    return Numbered("uptime", node, at);
  }

 private:
  [[nodiscard]] std::string Numbered(std::string_view kind, std::uint64_t id) const {
    return fmt::format("{}{}/{:020}", prefix_, kind, id);
  }
  [[nodiscard]] std::string Numbered(std::string_view kind, std::uint64_t first,
                                     std::uint64_t second) const {
    return fmt::format("{}{}/{:020}/{:020}", prefix_, kind, first, second);
  }

  std::string prefix_;
};

}  // namespace trellis::ledger::etcd
