// The streams of this node as running things: start, stop, look.
#pragma once

#include "plugins/common/posix/files.hpp"
#include "plugins/zlogs/settings.hpp"
#include "plugins/zlogs/status.hpp"

#include <trellis/sdk.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::zlogs {

/// What is remembered of a stream from its start on.
struct StreamRecord {
  std::string machine;            ///< workload id
  std::string netns;              ///< path
  std::uint64_t netns_inode = 0;  ///< the namespace may be made again under its path
  std::string log;                ///< device and inode
};
BOOST_DESCRIBE_STRUCT(StreamRecord, (), (machine, netns, netns_inode, log))

/// The inode of a file; 0 when there is none.
std::uint64_t InodeOf(std::string const& path);

/// Thread-safe: no state of its own.
class Streams {
 public:
  Streams(Host const& host, Settings const& settings) : host_(host), settings_(settings) {}

  /// What a streamer needs.
  struct Source {
    StreamRecord record;
    std::string log_name;
    std::vector<std::string> nameservers;
    std::vector<ReceivedFd> fds;  ///< folder and file
  };
  /// True when a process was started, false when it ran already.
  Result<bool> Start(Call const& call, std::string_view id, std::string const& url,
                     Source const& source);
  /// OK when unknown.
  Result<void> Stop(Call const& call, std::string_view id);
  /// Stop, and everything that is kept of it.
  Result<void> Remove(Call const& call, std::string_view id);
  Result<void> Remember(std::string_view id, StreamRecord const& record);
  /// kNotFound.
  Result<StreamRecord> Find(std::string_view id) const;
  /// Ids of the streams that something is kept of.
  Result<std::vector<std::string>> Known() const;
  /// Streams of a machine but `id`.
  Result<std::size_t> CountOthers(std::string const& machine, std::string_view id) const;
  /// Empty when there is no process.
  Result<std::optional<ProcessInfo>> Process(std::string_view id) const;
  /// What the streamer says of itself; empty before its first word.
  [[nodiscard]] Status Look(std::string_view id) const;

 private:
  [[nodiscard]] std::string StateFile(std::string_view id) const {
    return fmt::format("{}/{}.json", host_.state_dir(), id);
  }

  Host host_;
  Settings settings_;
};

}  // namespace trellis::plugins::zlogs
