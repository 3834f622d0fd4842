// WebSocket frames (RFC 6455) as a server reads and writes them. No I/O.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace trellis::rmb {

enum class Opcode : std::uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10
};

enum class CloseCode : std::uint16_t {
  kNormal = 1000,
  kGoingAway = 1001,
  kProtocolError = 1002,
  kUnsupported = 1003,
  kBadPayload = 1007,
  kPolicy = 1008,
  kTooBig = 1009,
  kTryLater = 1013
};

inline constexpr std::size_t kMaxFrameHeader = 14;   ///< with mask
inline constexpr std::size_t kMaxServerHeader = 10;  ///< without
inline constexpr std::size_t kMaxControlPayload = 125;

/// The header of an unmasked, final frame of `size` bytes; returns its length.
std::size_t WriteFrameHeader(Opcode opcode, std::uint64_t size,
                             std::span<char, kMaxServerHeader> out);
/// A whole control frame. `payload` of at most kMaxControlPayload bytes.
[[nodiscard]] std::string ControlFrame(Opcode opcode, std::string_view payload);
[[nodiscard]] std::string CloseFrame(CloseCode code);

/// Puts a client's frames together to messages. Not thread-safe. An idle decoder holds no memory.
class FrameDecoder {
 public:
  /// What came in. Each returns false to stop decoding: the rest of the bytes is ignored.
  class Sink {
   public:
    Sink() = default;
    virtual ~Sink() = default;
    Sink(Sink const&) = delete;
    Sink& operator=(Sink const&) = delete;
    virtual bool OnMessage(std::string bytes) = 0;
    virtual bool OnPing(std::string_view payload) = 0;
    /// The client says goodbye.
    virtual bool OnClose() = 0;
  };

  explicit FrameDecoder(std::size_t max_message) : max_message_(max_message) {}

  /// Decodes as much as there is; unmasks `bytes` in place. Empty: fine so far; else the code to
  /// close the connection with.
  std::optional<CloseCode> Feed(std::span<char> bytes, Sink& sink);
  /// Memory of the message that is not complete yet.
  [[nodiscard]] std::size_t held_bytes() const {
    return message_.capacity() > kInPlace ? message_.capacity() : 0;
  }
  /// A frame or a message has begun and is not complete.
  [[nodiscard]] bool in_message() const { return header_size_ > 0 || in_frame_ || fragmented_; }

 private:
  static constexpr std::size_t kInPlace = sizeof(std::string);

  std::optional<CloseCode> TakeHeader(std::span<char>& bytes);
  [[nodiscard]] std::size_t HeaderNeed() const;
  /// Can the first two bytes begin a client's frame?
  [[nodiscard]] bool StartsWell() const;
  std::optional<CloseCode> BeginFrame();
  void TakePayload(std::span<char>& bytes);
  /// False: stop.
  bool EndFrame(Sink& sink);

  std::size_t max_message_;
  std::string message_;     // of data frames, so far
  std::string control_;     // payload of the control frame under way
  std::uint64_t left_ = 0;  // payload bytes of the frame that are still to come
  std::array<char, kMaxFrameHeader> header_{};
  std::array<char, 4> mask_{};
  std::uint8_t header_size_ = 0;  // bytes of it so far
  std::uint8_t mask_at_ = 0;      // next byte of the mask
  Opcode opcode_ = Opcode::kBinary;
  bool final_ = false;
  bool in_frame_ = false;    // the header is complete, the payload is not
  bool fragmented_ = false;  // a message has begun and waits for its next frame
};

}  // namespace trellis::rmb
