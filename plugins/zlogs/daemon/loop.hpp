// The one thread of a streamer: everything that waits, waits here.
#pragma once

#include <trellis/result.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>

namespace trellis::plugins::zlogs {

/// Not thread-safe.
class Loop {
 public:
  using Clock = std::chrono::steady_clock;
  using Done = std::function<bool()>;
  static constexpr std::chrono::seconds kFlush{2};

  /// SIGTERM and SIGINT ask to end.
  Loop();

  [[nodiscard]] boost::asio::io_context& io() { return io_; }
  /// Serves events until `done`; false when the time was over before, or the streamer has to end.
  bool RunUntil(Clock::time_point limit, Done const& done);
  bool RunFor(std::chrono::milliseconds limit, Done const& done) {
    return RunUntil(Clock::now() + limit, done);
  }
  /// Runs what is ready: after closing something, its handlers.
  void Settle();
  /// What is there may still be sent, for kFlush.
  void RequestStop();
  [[nodiscard]] bool stopping() const { return stop_at_ != Clock::time_point::max(); }
  /// The time for that is over too.
  [[nodiscard]] bool stopped() const { return Clock::now() >= stop_at_; }

  /// One asynchronous operation: `start` gets a handler to call with an error code, `cancel` must
  /// make it end. kTimeout, kCancelled, else kIo with the error's text.
  using Handler = std::function<void(boost::system::error_code)>;
  Result<void> Await(std::string_view what, std::chrono::milliseconds limit,
                     std::function<void(Handler)> const& start,
                     std::function<void()> const& cancel);

 private:
  boost::asio::io_context io_{1};
  boost::asio::signal_set signals_{io_};
  Clock::time_point stop_at_ = Clock::time_point::max();
};

}  // namespace trellis::plugins::zlogs
