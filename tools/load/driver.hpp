// Sends prepared requests and notes what became of each. No policy about what they mean.
#pragma once

#include "tools/load/options.hpp"
#include "tools/load/requests.hpp"
#include "tools/load/session.hpp"

#include <trellis/result.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace trellis::load {

/// One request's fate. Times are NowUs().
struct Fate {
  double due_us = 0;        ///< when it should have left; 0 = not sent
  double answered_us = 0;   ///< 0 = no answer
  std::uint32_t code = 0;   ///< of an error answer; kNoCode for a success
  std::uint32_t bytes = 0;  ///< of the answer's payload
};
inline constexpr std::uint32_t kNoCode = UINT32_MAX;

/// Where the requests go: a relay or an echo server, as these twins.
struct Endpoint {
  std::string url;
  bool echo = false;  ///< any answer with the uid is a success; no tokens
};

/// One event loop on the calling thread. Not thread-safe.
class Driver {
 public:
  Driver(Options const& options, std::vector<Twin> const& twins, Endpoint endpoint);
  ~Driver();

  /// Opens one session for each twin up to options.connections.
  Result<void> Connect();

  struct Plan {
    Mode mode = Mode::kClosed;
    double warmup_s = 0;
    double seconds = 0;               ///< 0 = until all requests are sent
    std::function<void()> measure{};  ///< called when the warm-up is over
    /// Called with each answer.
    std::function<void(std::size_t index, rmb::Envelope const& answer)> seen{};
    /// Cancels the contract of a delete, on another thread, and calls `done` there.
    std::function<void(std::size_t index, std::function<void()> done)> cancel{};
  };
  /// Sends until the plan ends and all answers are here. kTimeout when answers stay away,
  /// kUnavailable when a connection falls.
  Result<void> Run(std::vector<Request> const& requests, std::string const& run, Plan plan);

  [[nodiscard]] std::vector<Fate> const& fates() const { return fates_; }
  /// Answers kept for checking: one in 64.
  [[nodiscard]] std::vector<std::string> const& sample() const { return sample_; }
  /// Times when a closed loop paused because the node said that it is busy.
  [[nodiscard]] std::size_t pauses() const { return pauses_; }
  [[nodiscard]] boost::asio::io_context& io() { return io_; }

 private:
  struct Lane {
    std::unique_ptr<Session> session;
    std::vector<std::size_t> requests;  // indices, in order
    std::size_t next = 0;
    std::size_t in_flight = 0;
    std::unique_ptr<boost::asio::steady_timer> pause;
    bool paused = false;
  };
  void Reset(std::vector<Request> const& requests, std::string const& run, Plan plan);
  void StartClosed();
  void StartOpen();
  void StartTimers();
  void SendDue();
  void Fill(Lane& lane, std::size_t credit);
  void Send(std::size_t index, double due_us);
  void OnMessage(std::string_view bytes);
  void Answered(std::size_t index, std::uint32_t code);
  void Pause(Lane& lane);
  void Stop();
  void EndWhenDone();
  void Abort(Error error);

  Options const& options_;
  std::vector<Twin> const& twins_;
  Endpoint endpoint_;
  boost::asio::io_context io_{1};
  boost::asio::steady_timer due_;
  boost::asio::steady_timer phase_;
  std::vector<Lane> lanes_;
  std::vector<Request> const* requests_ = nullptr;  // of the current Run
  std::string run_;
  Plan plan_;
  double start_us_ = 0;
  std::vector<Fate> fates_;
  std::vector<std::string> sample_;
  std::size_t next_due_ = 0;
  std::size_t outstanding_ = 0;
  std::size_t unsent_ = 0;
  std::size_t pauses_ = 0;
  std::size_t answers_ = 0;
  bool stopping_ = false;
  bool done_ = false;
  Result<void> outcome_;
};

}  // namespace trellis::load
