#include "plugins/network/wireguard_text.hpp"

#include <charconv>
#include <cstring>
#include <functional>

namespace trellis::plugins::network {

namespace {

using Line = std::function<Result<void>(std::string_view key, std::string_view value)>;

Result<void> EachLine(std::string_view answer, Line const& line) {
  while (!answer.empty()) {
    auto const end = answer.find('\n');
    auto const text = answer.substr(0, end);
    answer.remove_prefix(end == std::string_view::npos ? answer.size() : end + 1);
    if (text.empty()) break;
    auto const equals = text.find('=');
    if (equals == std::string_view::npos)
      return Fail(Code::kDecode, "wireguard answers '{}'", text);
    TRELLIS_CHECK(line(text.substr(0, equals), text.substr(equals + 1)));
  }
  return {};
}

template <class Number>
Result<Number> NumberOf(std::string_view key, std::string_view value) {
  Number number{};
  auto const [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size())
    return Fail(Code::kDecode, "wireguard answers {} '{}'", key, value);
  return number;
}

Result<WireGuardKey> KeyOf(std::string_view key, std::string_view value) {
  auto const decoded = KeyFromHex(value);
  if (!decoded) return Fail(Code::kDecode, "wireguard answers a {} that is no key", key);
  return *decoded;
}

Result<void> ReadPeerLine(WireGuardPeer& peer, std::string_view key, std::string_view value) {
  if (key == "endpoint") {
    peer.endpoint = value;
  } else if (key == "persistent_keepalive_interval") {
    TRELLIS_TRY(peer.keepalive, NumberOf<std::uint16_t>(key, value));
  } else if (key == "allowed_ip") {
    TRELLIS_TRY(auto const range, IpNet::Parse(value));
    peer.allowed.push_back(range);
  }
  return {};
}

}  // namespace

std::string SetRequest(WireGuardChange const& change) {
  std::string text = "set=1\n";
  auto const add = [&](std::string_view key, auto const& value) {
    text += fmt::format("{}={}\n", key, value);
  };
  if (change.private_key) add("private_key", KeyToHex(*change.private_key));
  if (change.port) add("listen_port", *change.port);
  for (auto const& peer : change.peers) {
    add("public_key", KeyToHex(peer.key));
    if (peer.kind == PeerChange::Kind::kRemove) {
      add("remove", true);
      continue;
    }
    // A peer that went meanwhile does not come back without the rest of its configuration.
    if (peer.kind == PeerChange::Kind::kChange) add("update_only", true);
    if (peer.endpoint) add("endpoint", *peer.endpoint);
    if (peer.keepalive) add("persistent_keepalive_interval", *peer.keepalive);
    if (!peer.allowed) continue;
    add("replace_allowed_ips", true);
    for (auto const& range : *peer.allowed)
      add("allowed_ip", range.ToString());
  }
  return text + "\n";
}

Result<void> CheckAnswer(std::string_view answer) {
  int number = -1;
  TRELLIS_CHECK(EachLine(answer, [&](std::string_view key, std::string_view value) -> Result<void> {
    if (key != "errno") return {};
    TRELLIS_TRY(number, NumberOf<int>(key, value));
    return {};
  }));
  if (number == 0) return {};
  if (number < 0) number = -number;
  return Fail(Code::kIo, "wireguard refuses the configuration: {}",
              std::strerror(number));  // NOLINT(concurrency-mt-unsafe): glibc's is
}

Result<WireGuardDevice> ReadAnswer(std::string_view answer) {
  WireGuardDevice device;
  WireGuardPeer* peer = nullptr;
  TRELLIS_CHECK(CheckAnswer(answer));
  TRELLIS_CHECK(EachLine(answer, [&](std::string_view key, std::string_view value) -> Result<void> {
    if (key == "private_key") {
      TRELLIS_TRY(device.private_key, KeyOf(key, value));
    } else if (key == "listen_port") {
      TRELLIS_TRY(device.port, NumberOf<std::uint16_t>(key, value));
    } else if (key == "public_key") {
      TRELLIS_TRY(auto const name, KeyOf(key, value));
      peer = &device.peers[name];
    } else if (peer != nullptr) {
      return ReadPeerLine(*peer, key, value);
    }
    return {};
  }));
  for (auto& [key, each] : device.peers)
    SortRanges(each.allowed);
  return device;
}

}  // namespace trellis::plugins::network
