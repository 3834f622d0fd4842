#include "kernel/base/strings.hpp"
#include "kernel/ledger/etcd/connection.hpp"

namespace trellis::ledger::etcd {

Result<Endpoint> Endpoint::Parse(std::string_view url) {
  Endpoint endpoint;
  auto rest = url;
  if (rest.starts_with("https://")) {
    endpoint.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return Fail(Code::kInvalid, "endpoint '{}' begins neither with http:// nor with https://", url);
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  auto const colon = rest.rfind(':');
  auto const refused = [&] { return Fail(Code::kInvalid, "endpoint '{}' is not host:port", url); };
  if (colon == std::string_view::npos) return refused();
  auto host = rest.substr(0, colon);
  auto const port = strings::ParseNumber<std::uint16_t>(rest.substr(colon + 1));
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return refused();
  }
  if (host.empty() || host.find_first_of("/@ ") != std::string_view::npos || !port || *port == 0)
    return refused();
  endpoint.host = host;
  endpoint.port = std::to_string(*port);
  return endpoint;
}

std::string Endpoint::ToString() const {
  bool const ipv6 = host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", tls ? "https" : "http", ipv6 ? "[" : "", host,
                     ipv6 ? "]" : "", port);
}

}  // namespace trellis::ledger::etcd
