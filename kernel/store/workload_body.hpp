// How the workloads of a deployment lie in their row, with what the history says of their present
// versions: one text, since nearly always all of them are written and read together.
#pragma once

#include <trellis/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::store {

/// An entry of the history that shows the workload as it is, but for these.
struct EntryView {
  std::int64_t seq = 0;  ///< the entries of a deployment count on their own
  std::int64_t created = 0;
  std::string_view state;
  std::string_view message;
  std::string_view result;
};

/// WorkloadRow, borrowed from the body that it was read of.
struct WorkloadView {
  std::string_view name;
  std::string_view type;
  std::uint32_t pos = 0;
  std::int64_t weight = 0;
  std::uint32_t version = 0;
  std::string_view data;
  std::string_view description;
  std::string_view metadata;
  std::string_view state;
  std::string_view message;
  std::int64_t created = 0;
  std::string_view result;
  std::optional<std::uint32_t> eff_version;
  std::string_view eff_data;
  std::string_view handle;
  std::uint32_t handle_schema = 0;
  bool owned = false;
  std::uint32_t fails = 0;
  std::int64_t next_try = 0;
  std::vector<EntryView> entries;  ///< of `version`, by age

  [[nodiscard]] bool IsOkay() const { return state == "ok" || state == "paused"; }
};

/// What a body says of the whole deployment.
struct BodyHead {
  std::int64_t last_seq = 0;  ///< of the history, older entries included
  std::uint64_t older = 0;    ///< entries of the history that lie in rows of their own
  std::uint64_t workloads = 0;
};

/// Reads a body from front to back. Borrows its bytes.
class BodyReader {
 public:
  /// kIo when it is none.
  static Result<BodyReader> Open(std::string_view bytes);
  [[nodiscard]] BodyHead const& head() const { return head_; }
  /// The next workload into `view`, whose room is used again; false after the last one. kIo when
  /// the body is damaged.
  Result<bool> Next(WorkloadView& view);

 private:
  explicit BodyReader(std::string_view rest) : rest_(rest) {}
  void ReadWorkload(WorkloadView& view);
  void ReadEntries(WorkloadView& view);
  std::uint64_t Number();
  std::uint32_t Small();
  std::int64_t Signed();
  std::string_view Text();

  std::string_view rest_;
  BodyHead head_;
  std::uint64_t read_ = 0;
  bool sound_ = true;
};

/// Writes a body.
class BodyWriter {
 public:
  explicit BodyWriter(BodyHead const& head);
  /// BodyHead::workloads times.
  void Add(WorkloadView const& view);
  [[nodiscard]] std::string Take() && { return std::move(bytes_); }

 private:
  void Number(std::uint64_t value);
  void Signed(std::int64_t value);
  void Text(std::string_view text);

  std::string bytes_;
};

}  // namespace trellis::store
