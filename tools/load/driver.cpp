#include "tools/load/driver.hpp"

#include "tools/load/probe.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>

namespace trellis::load {
namespace {

constexpr std::chrono::milliseconds kBusyPause(5);
constexpr std::chrono::seconds kAnswerTime(30);  // after the last request
constexpr std::uint32_t kBusy = 429;
constexpr std::size_t kSampleEvery = 64;

std::chrono::nanoseconds Microseconds(double us) {
  return std::chrono::nanoseconds(static_cast<std::int64_t>(us * 1e3));
}

}  // namespace

Driver::Driver(Options const& options, std::vector<Twin> const& twins, Endpoint endpoint)
    : options_(options),
      twins_(twins),
      endpoint_(std::move(endpoint)),
      due_(io_),
      phase_(io_),
      lanes_(options.connections) {}

Driver::~Driver() = default;

Result<void> Driver::Connect() {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    auto const token = endpoint_.echo ? std::string() : twins_[i].Token();
    TRELLIS_TRY(lanes_[i].session,
                Session::Connect(
                    io_, endpoint_.url, token, [this](std::string_view bytes) { OnMessage(bytes); },
                    [this, i](std::string const& why) {
                      Abort(Error{Code::kUnavailable, fmt::format("connection {}: {}", i, why)});
                    }));
    lanes_[i].pause = std::make_unique<boost::asio::steady_timer>(io_);
  }
  return {};
}

void Driver::Reset(std::vector<Request> const& requests, std::string const& run, Plan plan) {
  requests_ = &requests;
  run_ = run;
  plan_ = std::move(plan);
  fates_.assign(requests.size(), {});
  next_due_ = 0;
  outstanding_ = 0;
  unsent_ = requests.size();
  stopping_ = false;
  done_ = false;
  outcome_ = {};
  for (auto& lane : lanes_) {
    lane.requests.clear();
    lane.next = 0;
    lane.in_flight = 0;
    lane.paused = false;
  }
  for (std::size_t i = 0; i < requests.size(); ++i)
    lanes_[requests[i].session].requests.push_back(i);
}

Result<void> Driver::Run(std::vector<Request> const& requests, std::string const& run, Plan plan) {
  Reset(requests, run, std::move(plan));
  StartTimers();
  start_us_ = NowUs();
  plan_.mode == Mode::kClosed ? StartClosed() : StartOpen();
  io_.restart();
  while (!done_ && io_.run_one() > 0) {
  }
  return outcome_;
}

void Driver::StartTimers() {
  if (plan_.warmup_s <= 0 && plan_.measure) plan_.measure();
  auto const begin_measure = [this](boost::system::error_code error) {
    if (error) return;
    if (plan_.measure) plan_.measure();
    if (plan_.seconds <= 0) return;
    phase_.expires_after(Microseconds(plan_.seconds * 1e6));
    phase_.async_wait([this](boost::system::error_code cancelled) {
      if (!cancelled) Stop();
    });
  };
  if (plan_.warmup_s <= 0) {
    plan_.measure = nullptr;  // has been called
    begin_measure({});
    return;
  }
  phase_.expires_after(Microseconds(plan_.warmup_s * 1e6));
  phase_.async_wait(begin_measure);
}

void Driver::StartClosed() {
  for (auto& lane : lanes_)
    Fill(lane, options_.window);
  EndWhenDone();
}

void Driver::StartOpen() {
  SendDue();
}

void Driver::SendDue() {
  double const now = NowUs();
  while (!stopping_ && next_due_ < requests_->size()) {
    double const due = start_us_ + (*requests_)[next_due_].due_us;
    if (due > now) break;
    Send(next_due_++, due);
  }
  if (stopping_ || next_due_ == requests_->size()) {
    stopping_ = true;
    return EndWhenDone();
  }
  due_.expires_after(Microseconds(start_us_ + (*requests_)[next_due_].due_us - NowUs()));
  due_.async_wait([this](boost::system::error_code error) {
    if (!error) SendDue();
  });
}

void Driver::Fill(Lane& lane, std::size_t credit) {
  while (!stopping_ && !lane.paused && credit-- > 0 && lane.next < lane.requests.size())
    Send(lane.requests[lane.next++], NowUs());
}

void Driver::Send(std::size_t index, double due_us) {
  auto const& request = (*requests_)[index];
  fates_[index].due_us = due_us;
  ++outstanding_;
  --unsent_;
  ++lanes_[request.session].in_flight;
  if (request.kind == Kind::kDelete) {
    plan_.cancel(index, [this, index] {
      boost::asio::post(io_, [this, index] { Answered(index, kNoCode); });
    });
    return;
  }
  lanes_[request.session].session->Send(request.bytes);
}

void Driver::OnMessage(std::string_view bytes) {
  auto const envelope = rmb::ParseEnvelope(bytes);
  if (!envelope) return Abort(envelope.error());
  auto const index = IndexOf(envelope->uid, run_);
  if (index >= fates_.size()) return;  // of a batch before
  if (plan_.seen) plan_.seen(index, *envelope);
  fates_[index].bytes = static_cast<std::uint32_t>(envelope->payload_bytes().size());
  auto const* error = std::get_if<rmb::ErrorReport>(&envelope->message);
  if (++answers_ % kSampleEvery == 1) sample_.emplace_back(bytes);
  Answered(index, error == nullptr ? kNoCode : error->code);
}

void Driver::Answered(std::size_t index, std::uint32_t code) {
  auto& fate = fates_[index];
  if (fate.answered_us > 0 || fate.due_us <= 0) return;
  fate.answered_us = NowUs();
  fate.code = code;
  --outstanding_;
  auto& lane = lanes_[(*requests_)[index].session];
  --lane.in_flight;
  if (plan_.mode == Mode::kClosed) {
    if (code == kBusy) Pause(lane);
    Fill(lane, 1);
  }
  EndWhenDone();
}

/// The node is busy: hold the lane's place back for a moment instead of asking at once again.
void Driver::Pause(Lane& lane) {
  ++pauses_;
  lane.pause->expires_after(kBusyPause);
  lane.paused = true;
  lane.pause->async_wait([this, &lane](boost::system::error_code error) {
    if (error) return;  // a later pause took over
    lane.paused = false;
    Fill(lane, options_.window - std::min<std::size_t>(options_.window, lane.in_flight));
    EndWhenDone();
  });
}

void Driver::Stop() {
  stopping_ = true;
  due_.cancel();
  EndWhenDone();
}

void Driver::EndWhenDone() {
  bool const sent = stopping_ || unsent_ == 0;
  if (!sent || done_) return;
  if (outstanding_ == 0) {
    done_ = true;
    phase_.cancel();
    return;
  }
  if (unsent_ == 0 || stopping_) {
    stopping_ = true;
    phase_.expires_after(kAnswerTime);
    phase_.async_wait([this](boost::system::error_code error) {
      if (!error)
        Abort(Error{Code::kTimeout, fmt::format("{} requests have no answer", outstanding_)});
    });
  }
}

void Driver::Abort(Error error) {
  if (done_) return;
  done_ = true;
  outcome_ = tl::unexpected<Error>(std::move(error));
}

}  // namespace trellis::load
