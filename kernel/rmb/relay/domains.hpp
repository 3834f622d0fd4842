// Relay domains: the texts that clients write for one relay differ; compared normalised.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace trellis::rmb {

/// Without scheme and trailing slashes, lower case.
[[nodiscard]] std::string NormaliseDomain(std::string_view domain);
/// Equal, or the same host where one side has no port.
[[nodiscard]] bool SameDomain(std::string_view a, std::string_view b);
/// The domains of a twin's relay string, as written; what cannot be one is left out. At most 4.
[[nodiscard]] std::vector<std::string> DomainsOf(std::string_view relay);
/// Does a twin's relay string (several domains joined by `_`) name one of `domains`?
[[nodiscard]] bool NamesOneOf(std::string_view relay, std::vector<std::string> const& domains);

}  // namespace trellis::rmb
