// Frames between the daemon and a plugin's helper process, and the fields inside them.
//   u32 length | u8 kind | u8 descriptors | u16 method | u64 id | body, little-endian
//   body: u16 count, then per field u32 length and bytes. Integers are fields of 8 bytes.
// Source: the plugin ABI's process hosting; the order of fields is that of the C parameters.
#pragma once

#include "kernel/sys/fd.hpp"

#include <trellis/result.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugin {

enum class FrameKind : std::uint8_t { kCall = 1, kReturn = 2, kNotice = 3 };

enum class Method : std::uint16_t {
  // daemon -> helper
  kHello = 1,
  kCreate = 2,
  kStart = 3,
  kStop = 4,
  kReconfigure = 5,
  kPing = 6,
  kHealth = 7,
  kMigrateConfig = 8,
  kMigrateState = 9,
  kExamine = 16,
  kProvision = 17,
  kUpdate = 18,
  kDeprovision = 19,
  kPause = 20,
  kResume = 21,
  kInspect = 22,
  kListOwned = 23,
  kPrecheck = 24,
  kRecovered = 25,
  kService = 32,
  kCommand = 33,
  kProvider = 34,
  kEvent = 40,   // notice
  kCancel = 42,  // notice
  // helper -> daemon
  kLog = 128,       // notice
  kProgress = 129,  // notice
  kMetric = 130,    // notice
  kRegister = 131,
  kCallService = 140,
  kDeploymentInfo = 144,
  kDeploymentGet = 145,
  kDeploymentByType = 146,
  kDeploymentShared = 147,
  kDeploymentCurrent = 148,
  kContract = 152,
  kTwin = 153,
  kNameOwner = 154,
  kNodeRented = 155,
  kPublish = 160,
  kStoreGet = 164,
  kStorePut = 165,
  kStoreRemove = 166,
  kStoreList = 167,
  kProcessEnsure = 176,
  kProcessStop = 177,
  kProcessList = 178,
  kEngineFail = 184,
  kEngineObserved = 185,
};

inline constexpr std::size_t kFrameHeaderBytes = 16;
inline constexpr std::size_t kMaxFrameBytes = std::size_t{32} << 20U;
inline constexpr std::size_t kMaxFields = 4096;

struct Frame {
  FrameKind kind = FrameKind::kNotice;
  Method method = Method::kPing;
  std::uint64_t id = 0;
  std::string body;
  std::vector<sys::UniqueFd> fds;
};

/// What stands in front of a body.
struct FrameHeader {
  std::uint32_t length = 0;
  std::uint8_t kind = 0;
  std::uint8_t fds = 0;
  std::uint16_t method = 0;
  std::uint64_t id = 0;

  /// kFrameHeaderBytes bytes.
  void Write(char* to) const;
  /// kDecode when kind, length or number of descriptors is out of range.
  static Result<FrameHeader> Read(char const* from);
};

/// Builds a body.
class FieldWriter {
 public:
  FieldWriter() : body_(2, '\0') {}
  FieldWriter& Text(std::string_view text);
  FieldWriter& Int(std::uint64_t value);
  FieldWriter& Signed(std::int64_t value) { return Int(static_cast<std::uint64_t>(value)); }
  [[nodiscard]] std::string Take();

 private:
  std::string body_;
  std::size_t count_ = 0;
};

/// Takes a body apart; borrows it. A field too few or of the wrong size makes every later one
/// empty, and End tells.
class FieldReader {
 public:
  explicit FieldReader(std::string_view body);
  std::string_view Text();
  std::uint64_t Int();
  std::int64_t Signed() { return static_cast<std::int64_t>(Int()); }
  [[nodiscard]] std::size_t left() const { return left_; }
  /// kDecode unless exactly all fields were taken.
  [[nodiscard]] Result<void> End() const;
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  std::string_view rest_;
  std::size_t left_ = 0;
  bool failed_ = false;
};

}  // namespace trellis::plugin
