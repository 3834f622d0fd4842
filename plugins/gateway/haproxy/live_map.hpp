// One map of the proxy: its file, which the next start reads, and the entries of the process that
// runs. Not thread-safe.
#pragma once

#include "plugins/gateway/haproxy/admin.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace trellis::plugins::gateway {

class LiveMap {
 public:
  using Entries = std::map<std::string, std::string>;

  explicit LiveMap(std::string path) : path_(std::move(path)) {}

  /// Makes these the entries and writes the file.
  Result<void> Reset(Entries entries);
  /// Sets or, without a value, removes one entry; adds what the process must be told.
  void Change(std::string const& key, std::optional<std::string> const& value,
              std::vector<std::string>& commands);
  /// Writes what was changed since to the file.
  Result<void> Save();
  /// Is the file as it should be? Writes it again when not; true = it was damaged.
  Result<bool> RepairFile();
  /// Compares the process with the entries; answers the commands that correct it.
  Result<std::vector<std::string>> Differences(AdminSocket const& admin) const;
  [[nodiscard]] Entries const& entries() const { return entries_; }

 private:
  [[nodiscard]] std::string Text() const;

  std::string path_;
  Entries entries_;
  std::string appended_;  // new lines that the file does not have yet
  bool rewrite_ = false;  // the file needs more than these
};

}  // namespace trellis::plugins::gateway
