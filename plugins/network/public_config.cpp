#include "plugins/network/public_config.hpp"

#include <utility>

namespace trellis::plugins::network {

namespace {

/// `trl_open.node` and the event `node.changed`.
struct NodeRecord {
  std::optional<services::NodePublicConfig> public_config;
};
BOOST_DESCRIBE_STRUCT(NodeRecord, (), (public_config))

void Prefer(std::string& value, std::string const& wanted) {
  if (!wanted.empty()) value = wanted;
}

}  // namespace

PublicConfig::PublicConfig(Host host, PublicSettings settings, std::string netns)
    : host_(host),
      settings_(std::move(settings)),
      netns_(std::move(netns)),
      current_(Merge(host.node())) {}

Result<void> PublicConfig::Check(PublicSettings const& settings) {
  for (auto const& [key, text] : {std::pair{"ipv4", settings.ipv4}, {"ipv6", settings.ipv6}}) {
    auto const net = IpNet::Parse(text);
    bool const fits = net && (net->empty() || net->ip.is_v4() == (key == std::string_view("ipv4")));
    if (!fits)
      return Fail(Code::kInvalid, "public_config.{} '{}' is no address with a mask", key, text);
  }
  for (auto const& [key, text] : {std::pair{"gw4", settings.gw4}, {"gw6", settings.gw6}}) {
    if (!IpAddress::Parse(text))
      return Fail(Code::kInvalid, "public_config.{} '{}' is no address", key, text);
  }
  return {};
}

std::optional<services::NodePublicConfig> PublicConfig::Merge(std::string_view node) const {
  auto const record = json::Parse<NodeRecord>(node.empty() ? std::string_view("{}") : node);
  auto merged = record ? record->public_config : std::nullopt;
  auto config = merged.value_or(services::NodePublicConfig{});
  Prefer(config.ipv4, settings_.ipv4);
  Prefer(config.gw4, settings_.gw4);
  Prefer(config.ipv6, settings_.ipv6);
  Prefer(config.gw6, settings_.gw6);
  Prefer(config.domain, settings_.domain);
  if (config.ipv4.empty() && config.ipv6.empty()) return std::nullopt;
  return config;
}

Result<void> PublicConfig::Start(
    std::function<void(std::optional<services::NodePublicConfig> const&)> first) {
  first_ = std::move(first);
  return host_.Subscribe("node.changed",
                         [this](std::string_view, std::string_view node) { NodeChanged(node); });
}

void PublicConfig::NodeChanged(std::string_view node) {
  auto fresh = Merge(node);
  {
    std::scoped_lock const lock(mutex_);
    if (fresh == current_) return;
    current_ = fresh;
  }
  first_(fresh);
  auto const told = host_.Publish(services::kNetPublicChanged, json::Dump(Info()));
  if (!told)
    host_.Warn("change of the public configuration not told",
               {{"error", json::Encode(told.error().message)}});
}

services::PublicConfigInfo PublicConfig::Info() {
  std::scoped_lock const lock(mutex_);
  return {current_, current_ ? netns_ : std::string()};
}

}  // namespace trellis::plugins::network
