// A plugin over the bare C header whose behaviour comes from macros and from its workloads' data.
#include <trellis/abi.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

#ifndef BARE_DEADLINE_S
#define BARE_DEADLINE_S "100"
#endif
#ifndef BARE_TYPE
#define BARE_TYPE BARE_NAME
#endif
#ifndef BARE_MAJOR
#define BARE_MAJOR TRL_ABI_MAJOR
#endif
#ifndef BARE_REQUIRED
#define BARE_REQUIRED 0
#endif
#ifndef BARE_SIZE
#define BARE_SIZE sizeof(trl_plugin)
#endif
#ifndef BARE_OPS_SIZE
#define BARE_OPS_SIZE sizeof(trl_type_ops)
#endif
#ifndef BARE_CALLED
#define BARE_CALLED BARE_NAME
#endif
#ifndef BARE_ENTRY
#define BARE_ENTRY trellis_plugin_v1
#endif
#ifdef BARE_PROVIDES
#define BARE_PROVIDES_JSON "\"" BARE_PROVIDES "\""
#else
#define BARE_PROVIDES_JSON
#endif
#ifdef BARE_REQUIRES
#define BARE_REQUIRES_JSON "\"" BARE_REQUIRES "\""
#else
#define BARE_REQUIRES_JSON
#endif
#ifdef BARE_WANTS
#define BARE_WANTS_JSON "\"" BARE_WANTS "\""
#else
#define BARE_WANTS_JSON
#endif
#ifdef BARE_PICKY
#define BARE_CONFIG_JSON                                                              \
  R"(,"config":{"version":1,"schema":{"type":"object","additionalProperties":false,)" \
  R"("properties":{"rate":{"type":"integer","minimum":1,"maximum":64,"default":8,)"   \
  R"("description":"of ticks"},"out":{"type":"object","additionalProperties":false,)" \
  R"("default":{},"properties":{"mode":{"enum":["auto","none"],"default":"auto"}}},)" \
  R"("key":{"type":"string","writeOnly":true}}}})"
#else
#define BARE_CONFIG_JSON
#endif

namespace {

#ifdef BARE_THROW_IN_INIT
struct Bomb {
  Bomb() { throw std::runtime_error("thrown by an initialiser"); }
};
Bomb const bomb;
#endif

#ifdef BARE_MARKER
/// Code that runs when the library is loaded, before anybody can ask for anything.
struct Marker {
  Marker() {
    Dl_info self{};
    if (::dladdr(this, &self) == 0) return;
    auto const file = std::string(self.dli_fname) + ".ran";
    int const fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) ::close(fd);
  }
};
Marker const marker;
#endif

trl_host const* host = nullptr;

trl_bytes Bytes(std::string_view text) {
  return {text.data(), text.size()};
}
std::string_view View(trl_bytes bytes) {
  return {bytes.data, bytes.size};
}
trl_status Say(trl_sink sink, std::string_view text) {
  return sink.write(sink.ctx, Bytes(text));
}

trl_status Valid(void*, trl_call const* call, trl_bytes data, trl_sink err) {
  if (View(data) == R"("bad")") {
    Say(err, "[bad] the data is bad");
    return TRL_INVALID;
  }
  if (View(data) == R"("peer")") {
    auto const* deployments =
        static_cast<trl_ext_deployment const*>(host->extension(host->ctx, TRL_EXT_DEPLOYMENT));
    return deployments->get(host->ctx, call, Bytes("peer"), err, err);
  }
  return TRL_OK;
}
trl_status Challenge(void*, trl_bytes data, trl_sink out, trl_sink) {
  return out.write(out.ctx, data);
}
trl_status Capacity(void*, trl_bytes, trl_capacity* out, trl_sink) {
  out->cru = 1;
  return TRL_OK;
}

/// Calls the service t.echo/1 with `method`; its reply becomes the result.
trl_status CallEcho(trl_call const* call, std::string_view method, trl_out* out) {
  trl_fd_sink const none{nullptr, [](void*, std::int32_t fd) noexcept -> trl_status {
                           return ::fcntl(fd, F_GETFD) < 0 ? TRL_IO : TRL_OK;
                         }};
  return host->call_service(host->ctx, call, Bytes("t.echo/1"), Bytes(method), Bytes("{}"), {},
                            out->result, none, out->err);
}

trl_status WaitUntilCancelled(trl_call const* call) {
  pollfd wait{host->cancel_fd(host->ctx, call), POLLIN, 0};
  (void)::poll(&wait, 1, -1);
  return host->cancelled(host->ctx, call) == 1 ? TRL_CANCELLED : TRL_OK;
}

/// Uses up the stack.
int Overflow(int depth) {  // NOLINT(misc-no-recursion)
  volatile char frame[4096];
  frame[0] = static_cast<char>(depth);
  return depth == 0 ? frame[0] : Overflow(depth + 1) + frame[0];
}

/// The data is a JSON string that says what to do, or an object that ends with one.
trl_status Provision(void*, trl_call const* call, trl_workload const* workload, trl_out* out) {
  auto text = View(workload->data);
  if (text.size() < 2) return TRL_DECODE;
  if (text.ends_with("\"}")) text.remove_suffix(1);
  text.remove_suffix(1);
  text.remove_prefix(std::min(text.rfind('"'), text.size() - 1) + 1);
  if (text.starts_with("status ")) {
    Say(out->result, "{}");
    return std::atoi(std::string(text.substr(7)).c_str());
  }
  if (text == "throw") throw std::runtime_error("thrown by provision");
  if (text == "wait") return WaitUntilCancelled(call);
  if (text == "segfault") std::raise(SIGSEGV);
  if (text == "exit") std::exit(7);  // NOLINT(concurrency-mt-unsafe): what a bad plugin does
  if (text == "overflow") return Overflow(1) > 0 ? TRL_OK : TRL_FAULT;
  if (text == "hang") {
    while (true)
      ::pause();
  }
  if (text.starts_with("log ")) {
    for (int i = std::atoi(std::string(text.substr(4)).c_str()); i > 0; --i)
      host->log(host->ctx, TRL_LOG_INFO, Bytes("again and again"), {});
    return Say(out->result, "{}");
  }
  if (text.starts_with("write ")) {
    for (int i = std::atoi(std::string(text.substr(6)).c_str()); i > 0; --i) {
      if (::write(STDERR_FILENO, "again and again\n", 16) != 16) return TRL_IO;
    }
    return Say(out->result, "{}");
  }
  if (text.starts_with("leak ")) {
    for (int i = std::atoi(std::string(text.substr(5)).c_str()); i > 0; --i)
      (void)::open("/dev/null", O_RDONLY | O_CLOEXEC);
    return Say(out->result, "{}");
  }
  if (text == "not-json") return Say(out->result, "{\"a\":");
  if (text == "big-handle") return Say(out->handle, std::string(65537, 'h')), TRL_OK;
  if (text == "big-result") {
    std::string const chunk(std::size_t{1} << 20, ' ');
    for (int i = 0; i < 16; ++i) {
      if (Say(out->result, chunk) < 0) return TRL_OK;
    }
    return Say(out->result, " ") == TRL_EXHAUSTED ? TRL_OK : TRL_FAULT;
  }
  if (text == "long-error") {
    Say(out->err, "\xFF" + std::string(10000, 'x'));
    return TRL_IO;
  }
  if (text.starts_with("call ")) return CallEcho(call, text.substr(5), out);
  return Say(out->result, R"({"done":true})");
}
trl_status Deprovision(void*, trl_call const*, trl_workload const*, trl_sink) {
  return TRL_OK;
}
trl_status Inspect(void*, trl_call const*, trl_workload const*, trl_observed* seen, trl_sink detail,
                   trl_sink) {
  seen->state = 77;
  return Say(detail, "seen");
}
trl_status ListOwned(void*, trl_call const*, trl_sink out, trl_sink) {
  return Say(out, R"(["not a workload id"])");
}

trl_status Echo(void*, trl_call const* call, trl_bytes method, trl_bytes, trl_fds, trl_sink reply,
                trl_fd_sink reply_fds, trl_sink err) {
  if (View(method) == "echo")
    return Say(reply, R"({"twin":)" + std::to_string(call->twin_id) + "}");
  if (View(method) == "fd") {
    if (reply_fds.put(reply_fds.ctx, 0) < 0) return TRL_IO;
    return Say(reply, "{}");
  }
  if (View(method) == "wait") return WaitUntilCancelled(call);
  if (View(method) == "reconcile") return Say(reply, "{}");
  Say(err, "unknown method");
  return TRL_UNSUPPORTED;
}

template <class R, class... A>
using Quiet = R (*)(A...) noexcept;
/// The header's type for a function that may throw, which is what these tests are about.
template <class R, class... A>
Quiet<R, A...> Unsafe(R (*function)(A...)) {
  return reinterpret_cast<Quiet<R, A...>>(function);
}

trl_type_ops const& Ops() {
  static trl_type_ops const ops = [] {
    trl_type_ops made{};
    made.size = BARE_OPS_SIZE;
    made.valid = Unsafe(&Valid);
    made.challenge = Unsafe(&Challenge);
    made.capacity = Unsafe(&Capacity);
    made.provision = Unsafe(&Provision);
    made.deprovision = Unsafe(&Deprovision);
    made.inspect = Unsafe(&Inspect);
    made.list_owned = Unsafe(&ListOwned);
    made.update = Unsafe(&Provision);
    made.pause = Unsafe(&Deprovision);
    made.resume = made.pause;
    return made;
  }();
  return ops;
}

trl_status RegisterType(trl_sink err) {
  trl_type_desc type{};
  type.size = sizeof type;
  type.name = Bytes(BARE_TYPE);
  type.ops = &Ops();
  return host->register_type(host->ctx, &type, err);
}

trl_status Create(trl_host const* the_host, [[maybe_unused]] trl_open const* open, void** self,
                  trl_sink err) {
  host = the_host;
  *self = &host;
#ifdef BARE_PICKY
  host->log(host->ctx, TRL_LOG_INFO, open->config, {});
#endif
#ifdef BARE_THROW_IN_CREATE
  throw std::runtime_error("thrown by create");
#endif
#ifdef BARE_BLOCK_IN_CREATE
  while (true)
    ::pause();
#endif
#ifdef BARE_WAIT_IN_CREATE
  // Until the test lets it go on, with a file.
  auto const go = std::string(View(open->run_dir)) + "/go";
  for (int i = 0; i < 6000 && ::access(go.c_str(), F_OK) != 0; ++i)
    (void)::poll(nullptr, 0, 5);
#endif
#ifdef BARE_FAIL_IN_CREATE
  Say(err, "there is no device");
  return TRL_NOT_FOUND;
#endif
#ifdef BARE_PROVIDES
  (void)host->register_service(host->ctx, Bytes(BARE_PROVIDES), Unsafe(&Echo), nullptr, err);
#endif
#ifndef BARE_REGISTER_IN_START
#ifdef BARE_REGISTER_TWICE
  (void)RegisterType(err);
#endif
  (void)RegisterType(err);  // a refusal must fail the plugin even when create says OK
#endif
  return TRL_OK;
}
trl_status Start(void*, trl_call const*, trl_sink err) {
#ifdef BARE_REGISTER_IN_START
  return RegisterType(err);
#else
  (void)err;
  return TRL_OK;
#endif
}
trl_status Stop(void*, trl_call const*, trl_sink) {
  return TRL_OK;
}
void Destroy(void*) {}

}  // namespace

extern "C" TRL_EXPORT trl_plugin const* BARE_ENTRY(void) noexcept {
  static trl_plugin const plugin = [] {
    trl_plugin made{};
    made.size = BARE_SIZE;
    made.abi_major = BARE_MAJOR;
    made.abi_minor_required = BARE_REQUIRED;
    made.threading = TRL_THREADING_SERIAL;
    made.name = BARE_CALLED;
    made.version = "1.0.0";
    made.manifest =
        R"({"manifest":1,"name":")" BARE_CALLED
        R"(","version":"1.0.0","types":[{"name":")" BARE_TYPE
        R"(","deadline_s":{"provision":)" BARE_DEADLINE_S
        R"(}}],"services":{"provides":[)" BARE_PROVIDES_JSON R"(],"requires":[)" BARE_REQUIRES_JSON
        R"(],"wants":[)" BARE_WANTS_JSON "]}" BARE_CONFIG_JSON "}";
    made.create = Unsafe(&Create);
    made.start = Unsafe(&Start);
    made.stop = Unsafe(&Stop);
    made.destroy = Unsafe(&Destroy);
    return made;
  }();
  return &plugin;
}
