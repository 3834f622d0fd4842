// One stream: from the log to the peer, for ever.
#pragma once

#include "plugins/zlogs/daemon/backoff.hpp"
#include "plugins/zlogs/daemon/gzip.hpp"
#include "plugins/zlogs/daemon/log_reader.hpp"
#include "plugins/zlogs/daemon/sink.hpp"
#include "plugins/zlogs/daemon/status_file.hpp"

#include <memory>
#include <random>

namespace trellis::plugins::zlogs {

/// Not thread-safe; runs on the loop. The log file is the buffer: the place in it moves only when
/// the peer has accepted what is before.
class Streamer {
 public:
  struct Parts {
    Loop& loop;
    LogReader& reader;
    StatusFile& file;
    Output const& output;
    Settings const& settings;
  };
  explicit Streamer(Parts const& parts);

  /// Until the loop is asked to stop and what is there was sent, or the time for it is over.
  void Run();
  /// The folder of the log has changed.
  void Changed();
  /// How long a change may stay unnoticed.
  void LookEvery(std::chrono::milliseconds period) { look_every_ = period; }

 private:
  Result<void> Step();
  /// Until there is something to send, or it is time to look after the connection.
  void WaitForLog();
  /// More may come within a moment.
  void Coalesce();
  Result<void> SendOne();
  void Connect();
  void Lost(Error const& error);
  void Save();

  Parts parts_;
  Peer peer_;
  std::unique_ptr<Sink> sink_;
  Gzip gzip_;
  Backoff backoff_;
  Pace pace_;
  std::mt19937 random_{std::random_device{}()};
  Status status_;
  std::uint64_t dropped_before_;
  Loop::Clock::time_point connected_at_{};
  std::chrono::milliseconds look_every_{2000};
};

}  // namespace trellis::plugins::zlogs
