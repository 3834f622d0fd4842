// Ports of the node that are somebody's.
#include "plugins/network/checks.hpp"
#include "plugins/network/engine.hpp"
#include "plugins/network/free_port.hpp"

#include <algorithm>

namespace trellis::plugins::network {

namespace {

std::string Key(std::string_view proto, std::string_view owner) {
  return fmt::format("{}/{}", proto, owner);
}

}  // namespace

std::set<std::uint16_t> NetworkEngine::TakenPorts(std::string const& except,
                                                  std::string_view proto) const {
  auto taken = proto == "udp" ? records_.Ports(except) : std::set<std::uint16_t>();
  for (auto const& [key, port] : reserved_.all()) {
    if (port.proto == proto) taken.insert(port.port);
  }
  return taken;
}

std::vector<std::uint16_t> NetworkEngine::Ports() {
  std::scoped_lock const lock(mutex_);
  auto ports = TakenPorts("");
  ports.insert(FixedPorts().begin(), FixedPorts().end());
  return {ports.begin(), ports.end()};
}

Result<services::ReservedPort> NetworkEngine::ReservePort(services::PortReserve const& request) {
  if (request.owner.empty()) return Fail(Code::kInvalid, "a port needs an owner");
  if (request.proto != "udp" && request.proto != "tcp")
    return Fail(Code::kInvalid, "'{}' is no protocol: udp or tcp", request.proto);
  std::scoped_lock const lock(mutex_);
  auto const key = Key(request.proto, request.owner);
  if (auto const* known = reserved_.Find(key)) return *known;
  TRELLIS_TRY(auto const port, ChoosePort(TakenPorts("", request.proto), request.proto));
  services::ReservedPort out{request.owner, request.proto, port};
  TRELLIS_CHECK(reserved_.Put(key, out));
  return out;
}

Result<void> NetworkEngine::ReleasePorts(std::string const& owner) {
  std::scoped_lock const lock(mutex_);
  for (auto const* proto : {"udp", "tcp"})
    TRELLIS_CHECK(reserved_.Remove(Key(proto, owner)));
  return {};
}

services::ReservedPorts NetworkEngine::Reservations() {
  std::scoped_lock const lock(mutex_);
  services::ReservedPorts out;
  out.ports.reserve(reserved_.all().size());
  for (auto const& [key, port] : reserved_.all())
    out.ports.push_back(port);
  return out;
}

Result<void> NetworkEngine::ReconcilePorts(std::vector<std::string> const& owners) {
  std::scoped_lock const lock(mutex_);
  auto const all = reserved_.all();
  for (auto const& [key, port] : all) {
    bool const wanted = std::ranges::find(owners, port.owner) != owners.end();
    // Plugins ('@') give theirs back themselves.
    if (!wanted && !port.owner.starts_with('@')) TRELLIS_CHECK(reserved_.Remove(key));
  }
  return {};
}

}  // namespace trellis::plugins::network
