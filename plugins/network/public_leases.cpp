#include "plugins/network/public_leases.hpp"

#include <algorithm>

namespace trellis::plugins::network {

namespace {

constexpr std::string_view kPrefix = "public/";

std::string Key(std::string_view owner) {
  return std::string(kPrefix) + std::string(owner);
}

}  // namespace

Result<void> PublicLeases::Load() {
  TRELLIS_TRY(auto const keys, host_.StoreList(kPrefix));
  for (auto const& key : keys) {
    TRELLIS_TRY(auto const text, host_.StoreGet(key));
    TRELLIS_TRY(auto lease, json::Parse<services::PublicFilter>(text));
    all_[key.substr(kPrefix.size())] = std::move(lease);
  }
  return {};
}

Result<void> PublicLeases::Put(services::PublicFilter lease) {
  TRELLIS_CHECK(host_.StorePut(Key(lease.owner), json::Dump(lease)));
  auto const owner = lease.owner;
  all_[owner] = std::move(lease);
  return {};
}

Result<void> PublicLeases::Remove(std::string const& owner) {
  if (!all_.contains(owner)) return {};
  TRELLIS_CHECK(host_.StoreRemove(Key(owner)));
  all_.erase(owner);
  return {};
}

services::PublicFilter const* PublicLeases::Find(std::string const& owner) const {
  auto const found = all_.find(owner);
  return found == all_.end() ? nullptr : &found->second;
}

Result<void> PublicLeases::CheckFree(services::PublicFilter const& wanted) const {
  for (auto const& [owner, lease] : all_) {
    if (owner == wanted.owner) continue;
    for (auto const& [theirs, ours] :
         {std::pair{lease.ipv4.ip, wanted.ipv4.ip}, {lease.ipv6.ip, wanted.ipv6.ip}}) {
      if (!ours.empty() && ours == theirs)
        return Fail(Code::kConflict, "public ip {} is already used by '{}'", ours.ToString(),
                    owner);
    }
  }
  return {};
}

std::vector<std::string> PublicLeases::OwnersOf(std::string const& kind) const {
  std::vector<std::string> owners;
  for (auto const& [owner, lease] : all_) {
    if (lease.kind == kind) owners.push_back(owner);
  }
  return owners;
}

std::vector<std::string> PublicLeases::Addresses() const {
  std::vector<std::string> addresses;
  for (auto const& [owner, lease] : all_) {
    if (!lease.ipv4.empty()) addresses.push_back(lease.ipv4.ToString());
  }
  std::ranges::sort(addresses);
  return addresses;
}

}  // namespace trellis::plugins::network
