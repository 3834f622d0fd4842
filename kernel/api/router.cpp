#include "kernel/api/router.hpp"

#include "kernel/base/log.hpp"

namespace trellis::api {
namespace {

constexpr std::size_t kKernelThreads = 8;
constexpr std::size_t kPluginThreads = 4;
constexpr std::size_t kQueueLimit = 2048;
/// Commands without arguments get an empty payload, `null`, `""` or `{}`; handlers see `{}` for all
/// of them.
constexpr std::string_view kNoArguments = "{}";

std::string_view Normalise(std::string_view payload) {
  if (payload.empty() || payload == "null" || payload == "\"\"") return kNoArguments;
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

Router::Router(plugin::Plugins& plugins, Rights rights)
    : plugins_(plugins),
      rights_(std::move(rights)),
      kernel_pool_("api", kKernelThreads, kQueueLimit),
      plugin_pool_("api-p", kPluginThreads, kQueueLimit) {}

void Router::Add(std::string name, Auth auth, Handler handler) {
  routes_.insert_or_assign(std::move(name), Route{auth, std::move(handler)});
}

void Router::Drain() {
  draining_ = true;
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

void Router::Call(Caller const& caller, std::string_view command, std::string payload,
                  Reply reply) {
  auto shared = std::make_shared<Reply>(std::move(reply));
  if (auto const route = routes_.find(command); route != routes_.end()) {
    auto const& [auth, handler] = route->second;
    bool const queued = kernel_pool_.Post(
        [this, caller, auth = auth, &handler = handler, payload = std::move(payload), shared] {
          if (!Allowed(caller, auth))
            return (*shared)(auth == Auth::kLocal ? Refuse(404, "function is not found")
                                                  : Refuse(401, "unauthorized"));
          (*shared)(handler(caller, Normalise(payload)));
        });
    if (!queued) (*shared)(Refuse(503, "node is busy, try again later"));
    return;
  }
  auto const info = plugins_.Command(command);
  if (!info.has_value()) return (*shared)(Refuse(404, "function is not found"));
  bool const queued =
      plugin_pool_.Post([this, caller, info = *info, payload = std::move(payload), shared] {
        (*shared)(CallPlugin(caller, info, Normalise(payload)));
      });
  if (!queued) (*shared)(Refuse(503, "node is busy, try again later"));
}

engine::Answer Router::CallPlugin(Caller const& caller, plugin::CommandInfo const& info,
                                  std::string_view payload) {
  auto const auth = AuthOf(info);
  if (!Allowed(caller, auth))
    return auth == Auth::kLocal ? Refuse(404, "function is not found")
                                : Refuse(401, "unauthorized");
  if (payload.size() > info.max_payload)
    return Refuse(400, fmt::format("payload of {} bytes is above the limit of {}", payload.size(),
                                   info.max_payload));
  if (draining_ && (info.flags & TRL_COMMAND_MUTATING) != 0)
    return Refuse(503, "the node is shutting down");
  return ToAnswer(plugins_.RunCommand(info.name, caller.twin, payload));
}

}  // namespace trellis::api
