#include "kernel/api/router.hpp"

#include "kernel/base/log.hpp"

#include <algorithm>
#include <array>

namespace trellis::api {
namespace {

constexpr std::size_t kRequestBytes = 256;  // what a waiting request holds beside its texts
constexpr std::size_t kMaxFlights = 256;    // requests that wait without a thread
/// Commands without arguments get an empty payload, `null`, `""` or `{}`; handlers see `{}` for all
/// of them.
constexpr std::string_view kNoArguments = "{}";

std::string_view Normalise(std::string_view payload) {
  constexpr std::string_view kBlanks = " \t\r\n";
  auto const begin = std::min(payload.find_first_not_of(kBlanks), payload.size());
  auto const bare = payload.substr(begin, payload.find_last_not_of(kBlanks) + 1 - begin);
  if (bare.empty() || bare == "null" || bare == R"("")") return kNoArguments;
  return payload;
}

Auth AuthOf(plugin::CommandInfo const& info) {
  if ((info.flags & TRL_COMMAND_LOCAL) != 0) return Auth::kLocal;
  switch (info.auth) {
    case TRL_AUTH_OWNER:
      return Auth::kOwner;
    case TRL_AUTH_FARMER:
      return Auth::kFarmer;
    case TRL_AUTH_ADMIN:
      return Auth::kAdmin;
    default:
      return Auth::kAny;
  }
}

tl::unexpected<engine::Refusal> NotFound() {
  return Refuse(404, "function is not found");
}
tl::unexpected<engine::Refusal> ShuttingDown() {
  return Refuse(503, "the node is shutting down");
}

}  // namespace

int WireCode(Code code) {
  switch (code) {
    case Code::kInvalid:
    case Code::kDecode:
      return 400;
    case Code::kDenied:
      return 401;
    case Code::kNotFound:
      return 404;
    case Code::kExists:
    case Code::kConflict:
      return 409;
    case Code::kExhausted:
    case Code::kBusy:
      return 429;
    case Code::kUnavailable:
    case Code::kTimeout:
    case Code::kCrashed:
      return 503;
    case Code::kUnsupported:
    case Code::kCancelled:
    case Code::kIo:
    case Code::kInternal:
    case Code::kAbi:
      return 500;
  }
  return 500;
}

tl::unexpected<engine::Refusal> Refuse(int code, std::string message, std::string reason) {
  return tl::unexpected<engine::Refusal>(
      engine::Refusal{code, std::move(message), std::move(reason)});
}

engine::Answer ToAnswer(Result<std::string> result) {
  if (result) return *std::move(result);
  return Refuse(WireCode(result.error().code), result.error().message);
}

Router::Router(plugin::Plugins& plugins, Rights rights, Options options)
    : plugins_(plugins),
      rights_(std::move(rights)),
      max_bytes_(options.queue.bytes),
      kernel_pool_("api", options.kernel_threads, options.queue),
      plugin_pool_("api-p", options.plugin_threads, options.queue) {}

void Router::Add(std::string name, Auth auth, Handler handler, Effect effect, Runs runs) {
  routes_.insert_or_assign(std::move(name), Route{auth, effect, runs, std::move(handler), {}});
}

Router::~Router() {
  std::unique_lock lock(mutex_);
  closing_ = true;  // what is queued waits in its thread
  landed_.wait(lock, [this] { return flights_ == 0; });
}

void Router::AddAsync(std::string name, Auth auth, Handler handler, AsyncHandler async,
                      Effect effect) {
  routes_.insert_or_assign(
      std::move(name), Route{auth, effect, Runs::kInTurn, std::move(handler), std::move(async)});
}

void Router::Guard(std::string prefix, Auth auth) {
  guards_.emplace_back(std::move(prefix), auth);
}

void Router::Drain() {
  draining_ = true;
}

void Router::Degrade(std::string why) {
  std::lock_guard const lock(mutex_);
  why_degraded_ = std::move(why);
  degraded_ = true;
}

engine::Answer Router::CheckDegraded(std::string_view command) const {
  constexpr std::array<std::string_view, 4> kServed{"local.", "ledger.", "rmb.", "zos.system."};
  bool const served = std::any_of(kServed.begin(), kServed.end(),
                                  [&](auto prefix) { return command.starts_with(prefix); });
  if (!degraded_ || served) return std::string();
  std::lock_guard const lock(mutex_);
  return Refuse(503, why_degraded_, "degraded");
}

std::map<int, std::uint64_t> Router::Answers() const {
  std::lock_guard const lock(mutex_);
  return answers_;
}

bool Router::Allowed(Caller const& caller, Auth auth) const {
  if (caller.local) return true;
  switch (auth) {
    case Auth::kAny:
    case Auth::kOwner:
      return true;
    case Auth::kFarmer:
      return rights_.farmer(caller.twin);
    case Auth::kAdmin:
      return rights_.admin(caller.twin);
    case Auth::kLocal:
      return false;
  }
  return false;
}

bool Router::Guarded(std::string_view command) const {
  return std::any_of(guards_.begin(), guards_.end(),
                     [&](auto const& guard) { return command.starts_with(guard.first); });
}

engine::Answer Router::Check(Request const& request, Auth auth) const {
  for (auto const& [prefix, needed] : guards_) {
    if (request.command.starts_with(prefix) && !Allowed(request.caller, needed))
      return Refuse(401, "unauthorized");
  }
  if (Allowed(request.caller, auth)) return std::string();
  return auth == Auth::kLocal ? NotFound() : Refuse(401, "unauthorized");
}

bool Router::Knows(std::string_view command) const {
  return routes_.contains(command) || plugins_.Command(command).has_value() || Guarded(command);
}

void Router::Call(Caller const& caller, std::string_view command, std::string payload,
                  Reply reply) {
  auto const request = std::make_shared<Request>(
      Request{caller, std::string(command), std::move(payload), std::move(reply)});
  if (auto refused = CheckDegraded(command); !refused) return Answer(*request, std::move(refused));
  if (auto const route = routes_.find(command); route != routes_.end()) {
    // The control socket's thread has more to do than to answer.
    if (route->second.runs == Runs::kAtOnce && !caller.local)
      return RunKernel(request, route->second);
    return PostTask(kernel_pool_, request,
                    [this, request, &route = route->second] { RunKernel(request, route); });
  }
  if (auto const info = plugins_.Command(command); info.has_value()) {
    return Post(plugin_pool_, request,
                [this, info = *info](Request const& r) { return CallPlugin(r, info); });
  }
  if (!Guarded(command)) return Answer(*request, NotFound());
  Post(kernel_pool_, request, [this](Request const& r) -> engine::Answer {
    auto const allowed = Check(r, Auth::kAny);
    return allowed ? NotFound() : allowed;
  });
}

std::size_t Router::SizeOf(Request const& request) {
  return request.payload.size() + request.command.size() + kRequestBytes;
}

void Router::CallHere(Caller const& caller, std::string_view command, std::string payload,
                      Reply reply) {
  auto const route = routes_.find(command);
  bool const quick = route != routes_.end() && CheckDegraded(command).has_value();
  if (!quick || here_.fetch_add(1) >= kMaxHere) {
    if (quick) --here_;
    return Call(caller, command, std::move(payload), std::move(reply));
  }
  RunKernel(std::make_shared<Request>(
                Request{caller, std::string(command), std::move(payload), std::move(reply)}),
            route->second);
  --here_;
}

void Router::Post(Pool& pool, std::shared_ptr<Request> const& request, Work work) {
  PostTask(pool, request, [this, request, work = std::move(work)] {
    Answer(*request, RunGuarded(*request, work));
  });
}

void Router::PostTask(Pool& pool, std::shared_ptr<Request> const& request,
                      std::function<void()> task) {
  PoolTicket const ticket{request->caller.local ? 0 : request->caller.twin, SizeOf(*request)};
  bool const queued = pool.Post(ticket, std::move(task));
  if (!queued) Answer(*request, Refuse(503, "node is busy, try again later"));
}

engine::Answer Router::RunGuarded(Request const& request, Work const& work) {
  try {
    return work(request);
  } catch (std::exception const& error) {
    log::Error("command threw", {{"command", request.command}, {"error", error.what()}});
  } catch (...) {
    log::Error("command threw", {{"command", request.command}, {"error", "unknown exception"}});
  }
  return Refuse(500, "internal error");
}

void Router::Answer(Request const& request, engine::Answer answer) {
  {
    std::lock_guard const lock(mutex_);
    ++answers_[answer ? 0 : answer.error().code];
  }
  request.reply(std::move(answer));
}

engine::Answer Router::CheckRoute(Request const& request, Route const& route) const {
  auto allowed = Check(request, route.auth);
  if (!allowed) return allowed;
  if (draining_ && route.effect == Effect::kMutates) return ShuttingDown();
  return std::string();
}

engine::Answer Router::CallKernel(Request const& request, Route const& route) const {
  auto allowed = CheckRoute(request, route);
  if (!allowed) return allowed;
  return route.handler(request.caller, Normalise(request.payload));
}

// ---- what gives its thread back ----

/// A request whose handler waits for something without a thread.
class Router::Flight : public std::enable_shared_from_this<Flight> {
 public:
  Flight(Router& router, std::shared_ptr<Request> request)
      : router_(router), request_(std::move(request)) {}

  void Run(Route const& route) {
    Guarded([&] {
      auto refused = router_.CheckRoute(*request_, route);
      if (!refused) return Land(std::move(refused));
      route.async(
          request_->caller, Normalise(request_->payload),
          [self = shared_from_this()](std::function<void()> work) {
            self->router_.kernel_pool_.PostRest(
                [self, work = std::move(work)] { self->Guarded(work); });
          },
          [self = shared_from_this()](engine::Answer answer) { self->Land(std::move(answer)); });
    });
  }

 private:
  void Guarded(std::function<void()> const& work) {
    auto const answer = RunGuarded(*request_, [&](Request const&) -> engine::Answer {
      work();
      return std::string();
    });
    if (!answer) Land(answer);
  }
  void Land(engine::Answer answer) {
    if (landed_.exchange(true)) return;
    router_.Answer(*request_, std::move(answer));
    router_.Leave(SizeOf(*request_));
  }

  Router& router_;
  std::shared_ptr<Request> request_;
  std::atomic<bool> landed_{false};
};

void Router::RunKernel(std::shared_ptr<Request> const& request, Route const& route) {
  if (route.async && Enter(SizeOf(*request)))
    return std::make_shared<Flight>(*this, request)->Run(route);
  Answer(*request, RunGuarded(*request, [&](Request const& r) { return CallKernel(r, route); }));
}

bool Router::Enter(std::size_t bytes) {
  std::lock_guard const lock(mutex_);
  if (closing_ || flights_ >= kMaxFlights || flying_bytes_ + bytes > max_bytes_) return false;
  ++flights_;
  flying_bytes_ += bytes;
  return true;
}

void Router::Leave(std::size_t bytes) {
  std::lock_guard const lock(mutex_);
  flying_bytes_ -= bytes;
  if (--flights_ == 0) landed_.notify_all();
}

engine::Answer Router::CallPlugin(Request const& request, plugin::CommandInfo const& info) const {
  auto allowed = Check(request, AuthOf(info));
  if (!allowed) return allowed;
  if (request.payload.size() > info.max_payload) {
    return Refuse(400, fmt::format("payload of {} bytes is above the limit of {}",
                                   request.payload.size(), info.max_payload));
  }
  if (draining_ && (info.flags & TRL_COMMAND_MUTATING) != 0) return ShuttingDown();
  auto reply = plugins_.RunCommand(info.name, request.caller.twin, Normalise(request.payload));
  if (reply) return reply->empty() ? "null" : *std::move(reply);
  auto const& failure = reply.error();
  if (failure.error.code == Code::kInternal) {
    log::Error("command of a plugin failed",
               {{"command", request.command}, {"error", failure.error.message}});
    return Refuse(500, "internal error");
  }
  return Refuse(failure.code != 0 ? failure.code : WireCode(failure.error.code),
                failure.error.message);
}

}  // namespace trellis::api
