// Requests that were seen: each is run once, a repeated one gets the answer it had.
#pragma once

#include <boost/intrusive/list.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace trellis::rmb {

struct ReplayLimits {
  std::size_t entries = 100000;
  std::size_t of_twin = 10000;
  std::size_t answer_bytes = 65536;  ///< longer answers are not kept
  std::size_t total_answer_bytes = std::size_t{16} << 20U;
};

/// Safe for use by several threads. Above a limit the oldest goes: of the twin, then of all.
class ReplayTable {
 public:
  using AnswerPtr = std::shared_ptr<std::string const>;  // shared with the one who sends it again
  struct Seen {
    bool fresh = true;  ///< not seen before: run it
    AnswerPtr answer;   ///< of an earlier run; null while that is under way, or when it is lost
  };

  explicit ReplayTable(ReplayLimits const& limits = {}) : limits_(limits) {}
  ~ReplayTable();
  ReplayTable(ReplayTable const&) = delete;
  ReplayTable& operator=(ReplayTable const&) = delete;

  /// Notes request `uid` of a twin until `until` (unix seconds), unless it is there already.
  [[nodiscard]] Seen Enter(std::uint32_t twin, std::string_view uid, std::uint64_t until,
                           std::uint64_t now);
  /// What the request was answered.
  void Answer(std::uint32_t twin, std::string_view uid, AnswerPtr answer);
  [[nodiscard]] std::size_t size() const;

 private:
  using Key = std::array<std::uint8_t, 16>;  // of a digest over twin and uid: uids may be long
  struct KeyHash {
    std::size_t operator()(Key const& key) const;
  };
  struct OfAll;
  struct OfTwin;
  template <class Tag>
  using Hook = boost::intrusive::list_base_hook<boost::intrusive::tag<Tag>>;
  struct Entry : Hook<OfAll>, Hook<OfTwin> {
    Key key{};
    std::uint32_t twin = 0;
    std::uint64_t until = 0;
    AnswerPtr answer;
  };
  template <class Tag>
  using Order = boost::intrusive::list<Entry, boost::intrusive::base_hook<Hook<Tag>>>;

  static Key KeyOf(std::uint32_t twin, std::string_view uid);
  void Remove(Entry& entry);
  void DropAnswer(Entry& entry);

  ReplayLimits limits_;
  mutable std::mutex mutex_;  // guards everything below
  std::unordered_map<Key, Entry, KeyHash> entries_;
  Order<OfAll> oldest_;
  std::unordered_map<std::uint32_t, Order<OfTwin>> oldest_of_;  // by twin
  std::deque<Key> answered_;                                    // oldest first
  std::size_t answer_bytes_ = 0;
};

}  // namespace trellis::rmb
