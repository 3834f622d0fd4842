// Addresses, ranges and hex bytes: canonical text is stable and means the same.
#include "tests/fuzz/target.hpp"

#include <trellis/json.hpp>
#include <trellis/net.hpp>

#include <string>

namespace trellis::fuzz::address {

void Run(std::string_view input);

namespace {

template <class T>
void CheckText(std::string_view input) {
  auto const value = T::Parse(input);
  if (!value) return;
  auto const text = value->ToString();
  auto const again = T::Parse(text);
  Require(again && *again == *value, "canonical text means the same");
  Require(again->ToString() == text, "canonical text is stable");
  auto const from_json = json::Parse<T>(json::Dump(*value));
  Require(from_json && *from_json == *value, "JSON holds the same value");
}

}  // namespace

void Run(std::string_view input) {
  CheckText<IpAddress>(input);
  CheckText<IpNet>(input);
  CheckText<HexBytes>(input);
  auto const net = IpNet::Parse(input);
  if (!net || net->empty()) return;
  auto const masked = net->Masked();
  Require(masked.Masked() == masked, "masking twice changes nothing");
  Require(net->Contains(net->ip) && net->Contains(masked.ip), "a range holds its addresses");
}

}  // namespace trellis::fuzz::address
