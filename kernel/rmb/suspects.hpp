// Twins whose messages turned out bad lately: others come before them, and they are not answered
// without end.
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace trellis::rmb {

/// Safe for use by several threads.
class Suspects {
 public:
  /// A message in the twin's name had a bad signature.
  void Note(std::uint32_t twin, std::uint64_t now);
  [[nodiscard]] bool IsSuspect(std::uint32_t twin, std::uint64_t now) const;
  /// May one more refusal be signed and sent to the twin? At most kAnswersOfTwin in kMemory
  /// seconds, and kAnswersOfAll in one.
  [[nodiscard]] bool MayAnswer(std::uint32_t twin, std::uint64_t now);

  /// May one more message of a suspect be checked? At most kChecksOfTwin and kChecksOfAll in a
  /// second: checking signatures that are bad anyway is work others would wait for.
  [[nodiscard]] bool MayCheck(std::uint32_t twin, std::uint64_t now);

  static constexpr std::uint32_t kChecksOfTwin = 100;
  static constexpr std::uint32_t kChecksOfAll = 1000;
  static constexpr std::uint64_t kMemory = 10;
  static constexpr std::uint32_t kAnswersOfTwin = 20;
  static constexpr std::uint32_t kAnswersOfAll = 500;
  static constexpr std::size_t kMaxTwins = 10000;

 private:
  struct Record {
    std::uint64_t bad_until = 0;
    std::uint64_t window = 0;  // when counting of answers began
    std::uint32_t answers = 0;
    std::uint64_t second = 0;  // of the checks
    std::uint32_t checks = 0;
  };
  Record* RecordOf(std::uint32_t twin, std::uint64_t now);
  void BeginSecond(std::uint64_t now);

  mutable std::mutex mutex_;  // guards everything below
  std::unordered_map<std::uint32_t, Record> records_;
  std::uint64_t second_ = 0;
  std::uint32_t answers_ = 0;  // in that second
  std::uint32_t checks_ = 0;   // in that second
};

}  // namespace trellis::rmb
