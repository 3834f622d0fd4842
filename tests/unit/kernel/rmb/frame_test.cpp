#include "kernel/rmb/relay/frame.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace trellis::rmb {
namespace {

constexpr std::size_t kMax = 1000;

class Collector final : public FrameDecoder::Sink {
 public:
  bool OnMessage(std::string bytes) override {
    messages.push_back(std::move(bytes));
    return true;
  }
  bool OnPing(std::string_view payload) override {
    pings.emplace_back(payload);
    return true;
  }
  bool OnClose() override {
    closed = true;
    return false;
  }
  std::vector<std::string> messages;
  std::vector<std::string> pings;
  bool closed = false;
};

std::string Masked(std::uint8_t first, std::string_view payload, std::string_view mask = "mask") {
  std::string frame(1, static_cast<char>(first));
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80U | payload.size());
  } else {
    frame += static_cast<char>(0x80U | 126U);
    frame += static_cast<char>(payload.size() >> 8U);
    frame += static_cast<char>(payload.size());
  }
  frame += mask;
  for (std::size_t i = 0; i < payload.size(); ++i)
    frame += static_cast<char>(payload[i] ^ mask[i % 4]);
  return frame;
}

std::optional<CloseCode> FeedAll(FrameDecoder& decoder, std::string bytes, Collector& sink) {
  return decoder.Feed(bytes, sink);
}

TEST(Frames, GiveMessagesHoweverTheBytesArrive) {
  std::string const text(300, 'x');
  auto const bytes = Masked(0x82, text) + Masked(0x82, "") + Masked(0x82, "short");
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    FrameDecoder decoder(kMax);
    Collector sink;
    for (std::size_t at = 0; at < bytes.size(); at += step)
      ASSERT_EQ(FeedAll(decoder, bytes.substr(at, step), sink), std::nullopt);
    EXPECT_EQ(sink.messages, (std::vector<std::string>{text, "", "short"}));
    EXPECT_FALSE(decoder.in_message());
    EXPECT_EQ(decoder.held_bytes(), 0U);
  }
}

TEST(Frames, JoinFragmentsWithPingsBetween) {
  FrameDecoder decoder(kMax);
  Collector sink;
  auto const bytes =
      Masked(0x02, "one ") + Masked(0x89, "ping") + Masked(0x00, "two ") + Masked(0x80, "three");
  EXPECT_EQ(FeedAll(decoder, bytes, sink), std::nullopt);
  EXPECT_EQ(sink.messages, std::vector<std::string>{"one two three"});
  EXPECT_EQ(sink.pings, std::vector<std::string>{"ping"});
}

TEST(Frames, EndAtACloseFrame) {
  FrameDecoder decoder(kMax);
  Collector sink;
  EXPECT_EQ(FeedAll(decoder, Masked(0x88, "") + Masked(0x82, "late"), sink), std::nullopt);
  EXPECT_TRUE(sink.closed);
  EXPECT_TRUE(sink.messages.empty());
}

TEST(Frames, RefuseWhatTheProtocolForbids) {
  auto const fed = [](std::string const& bytes) {
    FrameDecoder decoder(kMax);
    Collector sink;
    return FeedAll(decoder, bytes, sink);
  };
  EXPECT_EQ(fed(Masked(0x81, "text")), CloseCode::kUnsupported);
  EXPECT_EQ(fed(Masked(0x80, "no beginning")), CloseCode::kProtocolError);
  EXPECT_EQ(fed(Masked(0x02, "one") + Masked(0x82, "another")), CloseCode::kProtocolError);
  EXPECT_EQ(fed(Masked(0xc2, "reserved bit")), CloseCode::kProtocolError);
  EXPECT_EQ(fed(Masked(0x83, "unknown opcode")), CloseCode::kProtocolError);
  EXPECT_EQ(fed(Masked(0x09, "fragmented ping")), CloseCode::kProtocolError);
  EXPECT_EQ(fed(Masked(0x89, std::string(126, 'x'))), CloseCode::kProtocolError);
  EXPECT_EQ(fed(std::string("\x82\x04nomask", 8)), CloseCode::kProtocolError);
}

TEST(Frames, LimitMessagesBeforeTheirBytesArrive) {
  FrameDecoder decoder(kMax);
  Collector sink;
  EXPECT_EQ(FeedAll(decoder, Masked(0x82, std::string(kMax, 'x')), sink), std::nullopt);
  EXPECT_EQ(FeedAll(decoder, Masked(0x82, std::string(kMax + 1, 'x')).substr(0, 8), sink),
            CloseCode::kTooBig);
  FrameDecoder fragments(kMax);
  EXPECT_EQ(FeedAll(fragments, Masked(0x02, std::string(kMax, 'x')) + Masked(0x80, "y"), sink),
            CloseCode::kTooBig);
  FrameDecoder absurd(kMax);
  EXPECT_EQ(FeedAll(absurd, "\x82\xff" + std::string(8, '\xff') + "mask", sink),
            CloseCode::kTooBig);
}

TEST(Frames, HoldLittleForWhatIsOnlyAnnounced) {
  FrameDecoder decoder(std::size_t{16} << 20U);
  Collector sink;
  std::string bytes("\x82\xff\x00\x00\x00\x00\x00\xff\x00\x00mask", 14);
  EXPECT_EQ(FeedAll(decoder, bytes + "x", sink), std::nullopt);
  EXPECT_TRUE(decoder.in_message());
  EXPECT_LE(decoder.held_bytes(), 8192U);
}

TEST(Frames, AreWrittenWithTheShortestLength) {
  std::array<char, kMaxServerHeader> header{};
  EXPECT_EQ(WriteFrameHeader(Opcode::kBinary, 125, header), 2U);
  EXPECT_EQ(WriteFrameHeader(Opcode::kBinary, 126, header), 4U);
  EXPECT_EQ(WriteFrameHeader(Opcode::kBinary, 65535, header), 4U);
  EXPECT_EQ(WriteFrameHeader(Opcode::kBinary, 65536, header), 10U);
  EXPECT_EQ(std::string(header.data(), 10), std::string("\x82\x7f\0\0\0\0\0\x01\0\0", 10));
  EXPECT_EQ(CloseFrame(CloseCode::kTooBig), "\x88\x02\x03\xf1");
}

}  // namespace
}  // namespace trellis::rmb
