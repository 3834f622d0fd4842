// HTTP requests as strangers send them to a relay: nothing holds more than its limit.
#include "kernel/rmb/relay/http_reader.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>

namespace trellis::fuzz::http {

void Run(std::string_view input);

namespace {

constexpr std::size_t kMax = 4096;

/// Reads the input in pieces, as a connection does.
void Read(std::string_view input, std::size_t piece) {
  using State = rmb::HttpReader::State;
  rmb::HttpReader reader(kMax);
  while (!input.empty()) {
    auto const part = input.substr(0, std::max<std::size_t>(piece, 1));
    input.remove_prefix(part.size());
    auto state = reader.Feed(part);
    while (state == State::kDone || state == State::kContinue) {
      if (state == State::kDone)
        Require(reader.Take().body.size() <= kMax, "no body is longer than the limit");
      state = reader.Feed({});
    }
    if (state == State::kBad || state == State::kTooBig) return;
  }
  (void)reader.TakeRest();
}

}  // namespace

void Run(std::string_view input) {
  Read(input, input.size());
  Read(input, 7);
}

}  // namespace trellis::fuzz::http
