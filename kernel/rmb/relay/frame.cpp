#include "kernel/rmb/relay/frame.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace trellis::rmb {
namespace {

constexpr std::uint8_t kFinal = 0x80;
constexpr std::uint8_t kReserved = 0x70;
constexpr std::uint8_t kOpcode = 0x0f;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::uint8_t kLength = 0x7f;
constexpr std::uint8_t kLength16 = 126;
constexpr std::uint8_t kLength64 = 127;
constexpr std::size_t kMaskBytes = 4;
constexpr std::size_t kFirstReserve = 4096;

std::uint64_t BigEndian(std::span<char const> bytes) {
  std::uint64_t value = 0;
  for (char const byte : bytes)
    value = value << 8U | static_cast<std::uint8_t>(byte);
  return value;
}

bool IsControl(Opcode opcode) {
  return opcode >= Opcode::kClose;
}

bool IsKnown(std::uint8_t opcode) {
  return opcode <= static_cast<std::uint8_t>(Opcode::kBinary) ||
         (opcode >= static_cast<std::uint8_t>(Opcode::kClose) &&
          opcode <= static_cast<std::uint8_t>(Opcode::kPong));
}

/// XORs `bytes` with the mask; `at` is the mask's next byte, moved on.
void Unmask(std::span<char> bytes, std::array<char, kMaskBytes> const& mask, std::uint8_t& at) {
  std::array<char, 8> wide{};
  for (std::size_t i = 0; i < wide.size(); ++i)
    wide[i] = mask[(at + i) % kMaskBytes];
  std::uint64_t const key = std::bit_cast<std::uint64_t>(wide);
  std::size_t i = 0;
  for (; i + sizeof key <= bytes.size(); i += sizeof key) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, sizeof word);
    word ^= key;
    std::memcpy(bytes.data() + i, &word, sizeof word);
  }
  for (; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(bytes[i] ^ wide[i % wide.size()]);
  at = static_cast<std::uint8_t>((at + bytes.size()) % kMaskBytes);
}

}  // namespace

std::size_t WriteFrameHeader(Opcode opcode, std::uint64_t size,
                             std::span<char, kMaxServerHeader> out) {
  std::size_t const extra = size < kLength16 ? 0 : size <= UINT16_MAX ? 2 : 8;
  out[0] = static_cast<char>(kFinal | static_cast<std::uint8_t>(opcode));
  out[1] = static_cast<char>(extra == 0 ? size : extra == 2 ? kLength16 : kLength64);
  for (std::size_t i = 0; i < extra; ++i)
    out[2 + i] = static_cast<char>(size >> (8 * (extra - 1 - i)));
  return 2 + extra;
}

std::string ControlFrame(Opcode opcode, std::string_view payload) {
  std::array<char, kMaxServerHeader> header{};
  auto const size = WriteFrameHeader(opcode, payload.size(), header);
  return std::string(header.data(), size).append(payload);
}

std::string CloseFrame(CloseCode code) {
  auto const number = static_cast<std::uint16_t>(code);
  char const payload[] = {static_cast<char>(number >> 8U), static_cast<char>(number & 0xffU)};
  return ControlFrame(Opcode::kClose, {payload, sizeof payload});
}

std::optional<CloseCode> FrameDecoder::Feed(std::span<char> bytes, Sink& sink) {
  while (true) {
    if (!in_frame_) {
      if (bytes.empty()) return std::nullopt;
      if (auto const wrong = TakeHeader(bytes)) return wrong;
      if (!in_frame_) return std::nullopt;  // the header is not complete
    }
    TakePayload(bytes);
    if (left_ > 0) return std::nullopt;
    in_frame_ = false;
    if (!EndFrame(sink)) return std::nullopt;
  }
}

std::size_t FrameDecoder::HeaderNeed() const {
  if (header_size_ < 2) return 2;
  auto const length = static_cast<std::uint8_t>(header_[1]) & kLength;
  std::size_t const extra = length == kLength64 ? 8 : length == kLength16 ? 2 : 0;
  return 2 + extra + kMaskBytes;
}

std::optional<CloseCode> FrameDecoder::TakeHeader(std::span<char>& bytes) {
  while (header_size_ < HeaderNeed()) {
    if (bytes.empty()) return std::nullopt;
    header_.at(header_size_++) = bytes.front();
    bytes = bytes.subspan(1);
    // At once: who sends no mask sends no more bytes of a header either.
    if (header_size_ == 2 && !StartsWell()) return CloseCode::kProtocolError;
  }
  return BeginFrame();
}

bool FrameDecoder::StartsWell() const {
  auto const first = static_cast<std::uint8_t>(header_[0]);
  auto const second = static_cast<std::uint8_t>(header_[1]);
  return (first & kReserved) == 0 && IsKnown(first & kOpcode) && (second & kMasked) != 0;
}

std::optional<CloseCode> FrameDecoder::BeginFrame() {
  auto const first = static_cast<std::uint8_t>(header_[0]);
  auto const second = static_cast<std::uint8_t>(header_[1]);
  auto const opcode = static_cast<Opcode>(first & kOpcode);
  final_ = (first & kFinal) != 0;
  std::span<char const> const extra(header_.data() + 2, header_size_ - 2U - kMaskBytes);
  left_ = extra.empty() ? second & kLength : BigEndian(extra);
  std::copy_n(header_.data() + header_size_ - kMaskBytes, kMaskBytes, mask_.data());
  mask_at_ = 0;
  header_size_ = 0;
  if (IsControl(opcode)) {
    if (!final_ || left_ > kMaxControlPayload) return CloseCode::kProtocolError;
    opcode_ = opcode;
    in_frame_ = true;
    return std::nullopt;
  }
  if (opcode == Opcode::kText) return CloseCode::kUnsupported;
  if ((opcode == Opcode::kContinuation) != fragmented_) return CloseCode::kProtocolError;
  if (left_ > max_message_ - std::min(max_message_, message_.size())) return CloseCode::kTooBig;
  opcode_ = Opcode::kBinary;
  in_frame_ = true;
  return std::nullopt;
}

void FrameDecoder::TakePayload(std::span<char>& bytes) {
  auto const part = bytes.first(std::min<std::uint64_t>(bytes.size(), left_));
  bytes = bytes.subspan(part.size());
  Unmask(part, mask_, mask_at_);
  auto& out = IsControl(opcode_) ? control_ : message_;
  // What was only announced costs nothing: memory follows the bytes that are here.
  auto const announced = out.size() + left_;
  auto const needed = out.size() + part.size();
  left_ -= part.size();
  if (needed > out.capacity())
    out.reserve(std::min(announced, std::max({needed, 2 * out.size(), kFirstReserve})));
  out.append(part.data(), part.size());
}

bool FrameDecoder::EndFrame(Sink& sink) {
  if (!IsControl(opcode_)) {
    fragmented_ = !final_;
    if (fragmented_) return true;
    return sink.OnMessage(std::exchange(message_, {}));
  }
  auto const payload = std::exchange(control_, {});
  if (opcode_ == Opcode::kPing) return sink.OnPing(payload);
  if (opcode_ == Opcode::kClose) return sink.OnClose();
  return true;  // a pong that nobody asked for
}

}  // namespace trellis::rmb
