#include "kernel/ledger/etcd/members.hpp"

#include <trellis/json.hpp>

#include <utility>

namespace trellis::ledger::etcd {
namespace {

constexpr std::size_t kMaxIdle = 4;
constexpr std::chrono::milliseconds kRoundPause{100};

/// gRPC's numbers, as the gateway gives them in `code`.
enum class GrpcCode : std::int64_t {
  kInvalidArgument = 3,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kOutOfRange = 11,
  kUnauthenticated = 16,
};

struct Refusal {
  std::string error{};
  std::int64_t code = 0;
};
BOOST_DESCRIBE_STRUCT(Refusal, (), (error, code))

Code ClassOf(std::int64_t code) {
  switch (static_cast<GrpcCode>(code)) {
    case GrpcCode::kInvalidArgument:
    case GrpcCode::kFailedPrecondition:
    case GrpcCode::kOutOfRange:
      return Code::kInvalid;
    case GrpcCode::kPermissionDenied:
    case GrpcCode::kUnauthenticated:
      return Code::kDenied;
    case GrpcCode::kResourceExhausted:
      return Code::kExhausted;
  }
  return Code::kUnavailable;  // no leader, time-out, shutting down, …
}

constexpr unsigned kOk = 200;
constexpr unsigned kUnauthorized = 401;

/// The token is too old, or somebody changed users or roles since it was given out.
bool IsStaleLogin(HttpAnswer const& answer) {
  if (answer.status == kOk) return false;
  return answer.status == kUnauthorized ||
         answer.body.find("revision of auth store is old") != std::string::npos;
}

Result<std::string> BodyOf(HttpAnswer answer) {
  if (answer.status == kOk) return std::move(answer.body);
  auto const refusal = json::Parse<Refusal>(answer.body);
  if (!refusal || refusal->error.empty())
    return Fail(Code::kUnavailable, "etcd answers with HTTP status {}", answer.status);
  return Fail(ClassOf(refusal->code), "{}", refusal->error);
}

}  // namespace

struct Members::Lease {
  std::size_t member = 0;
  bool used = false;  // before: the member may have closed it meanwhile
  std::unique_ptr<Connection> connection{};
};

Result<std::unique_ptr<Members>> Members::Make(EtcdOptions const& options) {
  if (options.endpoints.empty()) return Fail(Code::kInvalid, "no etcd endpoint is configured");
  std::unique_ptr<Members> members(new Members(options));  // NOLINT: private constructor
  bool tls = false;
  for (auto const& url : options.endpoints) {
    TRELLIS_TRY(auto endpoint, Endpoint::Parse(url));
    tls = tls || endpoint.tls;
    members->endpoints_.push_back(std::move(endpoint));
  }
  if (tls) {
    TRELLIS_TRY(members->tls_, Tls::Load(options.ca_file, options.cert_file, options.key_file));
  }
  return members;
}

Result<std::string> Members::Call(std::string_view target, std::string_view body, Try how) {
  auto const deadline = std::chrono::steady_clock::now() + options_.read_patience;
  for (std::size_t i = 1;; ++i) {
    auto answer = CallOne(target, body);
    if (answer || answer.error().code != Code::kUnavailable || how == Try::kOne) return answer;
    if (i % endpoints_.size() != 0) continue;
    if (how == Try::kAll || std::chrono::steady_clock::now() + kRoundPause >= deadline)
      return answer;
    std::unique_lock lock(mutex_);
    answered_.wait_for(lock, kRoundPause);
  }
}

Result<std::string> Members::CallOne(std::string_view target, std::string_view body) {
  for (bool fresh_token = false;; fresh_token = true) {
    TRELLIS_TRY(auto const token, Token());
    TRELLIS_TRY(auto answer, Exchange({.target = target, .body = body, .token = token}));
    if (IsStaleLogin(answer) && !options_.user.empty() && !fresh_token) {
      ForgetToken(token);
      continue;
    }
    auto text = BodyOf(std::move(answer));
    if (!text && text.error().code == Code::kUnavailable) Avoid();
    return text;
  }
}

Result<HttpAnswer> Members::Exchange(HttpRequest const& request) {
  for (;;) {
    TRELLIS_TRY(auto lease, Borrow());
    auto const begin = std::chrono::steady_clock::now();
    auto answer = lease.connection->Post(request, options_.timeout);
    if (answer) {
      GiveBack(std::move(lease));
      return answer;
    }
    // A member closes connections that were idle for long: that says nothing about the member. What
    // was written on one may have been carried out, as with every failed call.
    bool const at_once = std::chrono::steady_clock::now() - begin < options_.timeout;
    if (lease.used && at_once) continue;
    AvoidMember(lease.member);
    return answer;
  }
}

Result<std::unique_ptr<Connection>> Members::Stream(std::string_view target,
                                                    std::string_view body) {
  TRELLIS_TRY(auto const token, Token());
  std::size_t member = 0;
  {
    std::lock_guard const lock(mutex_);
    member = current_;
  }
  auto connection = Connection::Open(endpoints_[member], tls_, options_.timeout);
  auto started = connection ? (*connection)
                                  ->StartStream({.target = target, .body = body, .token = token},
                                                options_.timeout)
                            : Result<void>(tl::unexpected<Error>(connection.error()));
  if (started) return connection;
  AvoidMember(member);
  ForgetToken(token);  // it may have been that
  return tl::unexpected<Error>(std::move(started).error());
}

Result<Members::Lease> Members::Borrow() {
  std::size_t member = 0;
  {
    std::lock_guard const lock(mutex_);
    member = current_;
    if (!idle_.empty()) {
      Lease lease{.member = member, .used = true, .connection = std::move(idle_.back())};
      idle_.pop_back();
      return lease;
    }
  }
  auto connection = Connection::Open(endpoints_[member], tls_, options_.timeout);
  if (connection)
    return Lease{.member = member, .used = false, .connection = *std::move(connection)};
  AvoidMember(member);
  return tl::unexpected<Error>(std::move(connection).error());
}

void Members::GiveBack(Lease lease) {
  std::lock_guard const lock(mutex_);
  if (lease.member != current_) return;
  if (idle_.size() < kMaxIdle) idle_.push_back(std::move(lease.connection));
  answered_.notify_all();
}

void Members::Avoid() {
  std::lock_guard const lock(mutex_);
  current_ = (current_ + 1) % endpoints_.size();
  idle_.clear();
}

void Members::AvoidMember(std::size_t member) {
  std::lock_guard const lock(mutex_);
  if (current_ != member) return;  // another thread was quicker
  current_ = (current_ + 1) % endpoints_.size();
  idle_.clear();
}

Result<std::string> Members::Token() {
  if (options_.user.empty()) return std::string();
  {
    std::lock_guard const lock(mutex_);
    if (!token_.empty()) return token_;
  }
  auto const body = boost::json::serialize(
      boost::json::object{{"name", options_.user}, {"password", options_.password}});
  TRELLIS_TRY(auto answer,
              Exchange({.target = "/v3/auth/authenticate", .body = body, .token = {}}));
  TRELLIS_TRY(auto const text, BodyOf(std::move(answer)));
  TRELLIS_TRY(auto const value, json::ParseValue(text));
  auto const* object = value.if_object();
  auto const* token = object != nullptr ? object->if_contains("token") : nullptr;
  if (token == nullptr || !token->is_string())
    return Fail(Code::kUnavailable, "etcd gave no token for user '{}'", options_.user);
  std::lock_guard const lock(mutex_);
  token_ = std::string_view(token->get_string());
  return token_;
}

void Members::ForgetToken(std::string const& token) {
  std::lock_guard const lock(mutex_);
  if (token_ == token) token_.clear();
}

}  // namespace trellis::ledger::etcd
