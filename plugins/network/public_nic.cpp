// The interface of the public segment, chosen at run time.
#include "plugins/network/engine.hpp"

namespace trellis::plugins::network {

namespace {

constexpr char const* kKey = "public-nic";

/// What was chosen, and what the configuration said then.
struct ChosenNic {
  std::string configured;
  std::string chosen;
};
BOOST_DESCRIBE_STRUCT(ChosenNic, (), (configured, chosen))

}  // namespace

std::string NetworkEngine::PublicInterface() {
  std::scoped_lock const lock(mutex_);
  return public_bridge_.interface();
}

void NetworkEngine::RecallPublicNic() {
  auto const text = host_.StoreGet(kKey);
  auto const known = text ? json::Parse<ChosenNic>(*text) : Result<ChosenNic>(ChosenNic{});
  if (known && !known->chosen.empty() && known->configured == configured_nic_)
    config_.public_.parent = known->chosen;
}

Result<void> NetworkEngine::SetPublicNic(std::string const& name) {
  std::scoped_lock const lock(mutex_);
  auto const before = public_bridge_.interface();
  if (before == name) return {};
  auto const old = std::exchange(config_.public_.parent, name);
  if (auto taken = public_bridge_.Converge(); !taken) {
    config_.public_.parent = old;
    return taken;
  }
  TRELLIS_CHECK(host_.StorePut(kKey, json::Dump(ChosenNic{configured_nic_, name})));
  RestorePublic();
  if (before.empty()) return {};
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_TRY(auto const link, links.Find(before));
  return link ? links.SetMaster(link->index, 0) : Result<void>();
}

}  // namespace trellis::plugins::network
