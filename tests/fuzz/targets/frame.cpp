// Websocket frames as strangers send them: what comes in two parts is what comes in one, and
// nothing holds more than its limit.
#include "kernel/rmb/relay/frame.hpp"

#include "tests/fuzz/target.hpp"

#include <string>

namespace trellis::fuzz::frame {

void Run(std::string_view input);

namespace {

constexpr std::size_t kMax = 4096;

class Sink final : public rmb::FrameDecoder::Sink {
 public:
  bool OnMessage(std::string bytes) override {
    Require(bytes.size() <= kMax, "no message is longer than the limit");
    seen.append("m").append(bytes);
    return true;
  }
  bool OnPing(std::string_view payload) override {
    seen.append("p").append(payload);
    return true;
  }
  bool OnClose() override {
    closed = true;
    return false;
  }
  std::string seen;
  bool closed = false;
};

/// What a decoder makes of the bytes when they come in two parts.
std::string Decode(std::string_view input, std::size_t split) {
  rmb::FrameDecoder decoder(kMax);
  Sink sink;
  std::string first(input.substr(0, split));  // unmasked in place
  std::string second(input.substr(split));
  auto wrong = decoder.Feed(first, sink);
  if (!wrong && !sink.closed) wrong = decoder.Feed(second, sink);
  Require(decoder.held_bytes() <= 2 * kMax + 64, "memory follows the limit");
  auto const end = wrong ? std::to_string(static_cast<int>(*wrong)) : "";
  return sink.seen + (sink.closed ? "closed" : "") + end;
}

}  // namespace

void Run(std::string_view input) {
  auto const whole = Decode(input, input.size());
  Require(Decode(input, input.size() / 2) == whole, "parts are as good as the whole");
  Require(Decode(input, input.size() / 3) == whole, "any parts");
}

}  // namespace trellis::fuzz::frame
