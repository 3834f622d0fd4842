// How the workloads of a deployment lie in the store: one text says what is wanted of all of them,
// another what became of them, with what the history says of their present versions. Nearly always
// all of them are written and read together, and what became of them changes more often.
#pragma once

#include "kernel/store/packed.hpp"

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

  bool operator==(EntryView const&) const = default;
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

  bool operator==(WorkloadView const&) const = default;
  [[nodiscard]] bool IsOkay() const { return state == "ok" || state == "paused"; }
};

/// What a body says of the whole deployment.
struct BodyHead {
  std::int64_t created = 0;   ///< when the workloads were accepted that nothing became of yet
  std::int64_t last_seq = 0;  ///< of the history, older entries included
  std::uint64_t older = 0;    ///< entries of the history that lie in rows of their own
  std::uint64_t workloads = 0;
};

/// Both texts. `status` may be empty: then nothing became of them, see SetFresh.
struct Body {
  std::string_view wanted;
  std::string_view status;
};

/// Makes of what is wanted a workload that was accepted as the `index`th of a new deployment:
/// `init`, with one entry of the history.
void SetFresh(BodyHead const& head, std::uint64_t index, WorkloadView& view);

/// Reads a body from front to back. Borrows its bytes.
class BodyReader {
 public:
  /// kIo when it is none.
  static Result<BodyReader> Open(Body const& body);
  [[nodiscard]] BodyHead const& head() const { return head_; }
  /// The next workload into `view`, whose room is used again; false after the last one. kIo when
  /// the body is damaged.
  Result<bool> Next(WorkloadView& view);

 private:
  explicit BodyReader(Body const& body);
  void ReadWanted(WorkloadView& view);
  void ReadStatus(WorkloadView& view);

  PackedReader wanted_;
  PackedReader status_;
  bool fresh_;
  BodyHead head_;
  std::uint64_t read_ = 0;
};

/// The text of Body::wanted.
[[nodiscard]] std::string PackWanted(BodyHead const& head, std::vector<WorkloadView> const& views);
/// The text of Body::status, which is never empty.
[[nodiscard]] std::string PackStatus(BodyHead const& head, std::vector<WorkloadView> const& views);
/// Their status need not be stored.
[[nodiscard]] bool AreFresh(BodyHead const& head, std::vector<WorkloadView> const& views);

}  // namespace trellis::store
