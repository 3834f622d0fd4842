// What programs and servers send as RESP: values that came in two parts are those that came in one.
#include "kernel/rmb/resp.hpp"

#include "tests/fuzz/target.hpp"

namespace trellis::fuzz::resp {

void Run(std::string_view input);

namespace {

constexpr rmb::RespLimits kLimits{4096, 64, 4};

void Describe(rmb::RespValue const& value, std::string& out) {
  out.append(std::to_string(static_cast<int>(value.type)))
      .append(value.text)
      .append(std::to_string(value.integer))
      .append("(");
  for (auto const& item : value.items)
    Describe(item, out);
  out.append(")");
}

std::string Values(std::string_view input, std::size_t split) {
  rmb::RespReader reader(kLimits);
  std::string out;
  for (auto const part : {input.substr(0, split), input.substr(split)}) {
    reader.Add(part);
    while (true) {
      auto const value = reader.Next();
      if (!value) return out;  // the connection is closed
      if (!value->has_value()) break;
      Describe(**value, out);
    }
  }
  return out;
}

void Commands(std::string_view input) {
  rmb::RespReader reader(kLimits);
  reader.Add(input);
  while (true) {
    auto const words = reader.NextCommand();
    if (!words || !words->has_value()) return;
    Require((*words)->size() <= kLimits.items, "no command has more words than the limit");
  }
}

}  // namespace

void Run(std::string_view input) {
  Require(Values(input, input.size() / 2) == Values(input, input.size()), "parts are the whole");
  Commands(input);
}

}  // namespace trellis::fuzz::resp
