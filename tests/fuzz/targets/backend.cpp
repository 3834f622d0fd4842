// URLs and the backends of gateways.
#include "plugins/gateway/backend.hpp"

#include "plugins/common/url/url.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>

namespace trellis::fuzz::backend {

void Run(std::string_view input);

void Run(std::string_view input) {
  if (auto const url = plugins::ParseUrl(input); url) {
    Require(std::ranges::none_of(url->scheme, [](char c) { return c >= 'A' && c <= 'Z'; }),
            "a scheme is in lower case");
    Require(url->scheme.size() + url->userinfo.size() + url->host.size() + url->port.size() +
                    url->path.size() + url->query.size() + url->fragment.size() <=
                input.size(),
            "the parts come from the text");
    Require(url->has_authority || (url->host.empty() && url->port.empty()),
            "only an authority has a host");
    Require(plugins::BareHost(*url).size() <= url->host.size(), "brackets only go");
  }
  for (bool const passthrough : {false, true}) {
    auto const endpoint = plugins::gateway::ReadBackend(input, passthrough);
    if (!endpoint) continue;
    Require(!endpoint->ip.empty(), "a backend has an address");
    auto const dialled = plugins::gateway::ReadBackend(endpoint->address, true);
    Require(dialled && dialled->ip == endpoint->ip, "what is dialled is the same address");
  }
}

}  // namespace trellis::fuzz::backend
