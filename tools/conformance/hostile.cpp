#include "tools/conformance/hostile.hpp"

#include <fmt/format.h>

namespace trellis::conformance {

namespace {

constexpr std::size_t kDeep = 10240;
constexpr std::size_t kLong = std::size_t{1} << 20;

std::string Nested(char open, char close) {
  return std::string(kDeep, open) + std::string(kDeep, close);
}

}  // namespace

std::vector<std::string> UndecodableData(std::string const& sample) {
  std::vector<std::string> list{"",  "null",    "[]", "5",     "\"text\"",
                                "{", "{\"a\":", "}",  "{} {}", "nonsense"};
  if (sample.size() > 2) list.push_back(sample.substr(0, sample.size() / 2));
  return list;
}

std::vector<std::string> HostileData(std::string const& sample) {
  auto list = UndecodableData(sample);
  list.insert(list.end(),
              {"{}", "{\"\":\"\"}", "{\"a\":1e999}", "{\"a\":\"\\ud800\"}", "{\"a\":\"\xff\xfe\"}",
               std::string("{\"a\":\"\0\"}", 9), "\xef\xbb\xbf{}"});
  list.push_back(Nested('[', ']'));
  list.push_back("{\"a\":" + Nested('[', ']') + "}");
  std::string objects;
  for (std::size_t i = 0; i < kDeep / 5; ++i)
    objects += "{\"a\":";
  list.push_back(objects);
  list.push_back("{\"a\":\"" + std::string(kLong, 'x') + "\"}");
  list.push_back("{" + std::string(kLong, ' ') + "}");
  // The sample with each value of another type.
  for (auto at = sample.find(':'); at != std::string::npos; at = sample.find(':', at + 1)) {
    for (auto const* value : {"null", "[]", "{}", "-1", "18446744073709551616", "true", "\"\""}) {
      auto const end = sample.find_first_of(",}", at);
      if (end != std::string::npos)
        list.push_back(sample.substr(0, at + 1) + value + sample.substr(end));
    }
  }
  return list;
}

std::string Shown(std::string const& data) {
  if (data.empty()) return "no bytes";
  if (data.size() <= 60) return data;
  return fmt::format("{}… ({} bytes)", data.substr(0, 40), data.size());
}

}  // namespace trellis::conformance
