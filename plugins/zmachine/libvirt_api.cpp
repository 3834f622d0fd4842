#include "plugins/zmachine/libvirt_api.hpp"

#include "plugins/zmachine/domain_xml.hpp"
#include "plugins/zmachine/inherited.hpp"
#include "plugins/zmachine/libvirt_library.hpp"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace trellis::plugins::zmachine {
namespace {

constexpr int kStopCheckMs = 200;  // how long the end of the loop may take
constexpr int kKeepAliveInterval = 5;
constexpr unsigned kKeepAliveCount = 3;

struct CloseConnection {
  void operator()(virConnectPtr connection) const { virConnectClose(connection); }
};
struct FreeDomain {
  void operator()(virDomainPtr domain) const { virDomainFree(domain); }
};
// Shared by the calls that run at the moment: a lost connection lives until the last has ended.
using Connection = std::shared_ptr<virConnect>;
using DomainPtr = std::unique_ptr<virDomain, FreeDomain>;

/// libvirt's last error of this thread. kNotFound for a missing domain.
tl::unexpected<Error> LastError(std::string_view what) {
  virErrorPtr const error = virGetLastError();
  int const code = error == nullptr ? 0 : error->code;
  auto const kind = [code] {
    if (code == VIR_ERR_NO_DOMAIN) return Code::kNotFound;
    if (code == VIR_ERR_DOM_EXIST) return Code::kExists;
    if (code == VIR_ERR_NO_CONNECT || code == VIR_ERR_RPC || code == VIR_ERR_SYSTEM_ERROR)
      return Code::kUnavailable;
    return Code::kIo;
  };
  return Fail(kind(), "{}: {}", what, virGetLastErrorMessage());
}

void IgnoreLibraryError(void*, virErrorPtr) {}  // each call's error is returned, not printed

/// libvirt has one event loop implementation per process, made before the first connection.
Result<void> RegisterEventLoop() {
  static std::once_flag once;
  static bool registered = false;
  std::call_once(once, [] {
    virSetErrorFunc(nullptr, &IgnoreLibraryError);
    registered = virEventRegisterDefaultImpl() == 0;
  });
  if (!registered) return LastError("libvirt event loop");
  return {};
}

class EventLoop {
 public:
  EventLoop() {
    // The timer does nothing but wake the loop, so that stopping is prompt.
    timer_ = virEventAddTimeout(
        kStopCheckMs, [](int, void*) {}, nullptr, nullptr);
    thread_ = std::thread([this] {
      pthread_setname_np(pthread_self(), "vm-events");
      while (!stop_.load()) {
        if (virEventRunDefaultImpl() != 0) virResetLastError();
      }
    });
  }
  ~EventLoop() {
    stop_ = true;
    virEventUpdateTimeout(timer_, 0);
    thread_.join();
    virEventRemoveTimeout(timer_);
  }
  EventLoop(EventLoop const&) = delete;
  EventLoop& operator=(EventLoop const&) = delete;
  EventLoop(EventLoop&&) = delete;
  EventLoop& operator=(EventLoop&&) = delete;

 private:
  std::atomic<bool> stop_ = false;
  int timer_ = -1;
  std::thread thread_;
};

/// The event loop reaps the child when it has ended.
void ReapAtItsEnd(UniqueFd child) {
  int const fd = child.Release();
  auto const on_end = [](int watch, int ended, int, void*) {
    ReapChild(ended);
    virEventRemoveHandle(watch);
    UniqueFd const done(ended);
  };
  if (virEventAddHandle(fd, VIR_EVENT_HANDLE_READABLE, on_end, nullptr, nullptr) < 0)
    UniqueFd const unwatched(fd);
}

class Libvirt final : public Hypervisor {
 public:
  Libvirt(LibvirtOptions options, EventHandler on_event)
      : options_(std::move(options)), on_event_(std::move(on_event)) {}
  ~Libvirt() override {
    std::lock_guard const lock(mutex_);
    Disconnect();
  }
  Libvirt(Libvirt const&) = delete;
  Libvirt& operator=(Libvirt const&) = delete;
  Libvirt(Libvirt&&) = delete;
  Libvirt& operator=(Libvirt&&) = delete;

  Result<void> Connect() override;
  [[nodiscard]] bool connected() const override {
    std::lock_guard const lock(mutex_);
    return connection_ != nullptr;
  }
  Result<void> Create(std::string const& xml, bool paused) override;
  Result<void> Destroy(std::string const& name) override;
  Result<void> Shutdown(std::string const& name) override;
  Result<void> Suspend(std::string const& name) override;
  Result<void> Resume(std::string const& name) override;
  Result<Domain> Find(std::string const& name) override;
  Result<std::vector<Domain>> List() override;
  [[nodiscard]] std::string pid_dir() const override { return options_.pid_dir; }

 private:
  Result<Connection> Open();
  Result<void> Watch(virConnectPtr connection);
  void Disconnect();
  Result<DomainPtr> Lookup(Connection const& connection, std::string const& name);
  void Emit(virDomainPtr domain, DomainEvent::Kind kind) const {
    char const* const name = virDomainGetName(domain);
    if (name != nullptr) on_event_({name, kind});
  }
  static int OnLifecycle(virConnectPtr, virDomainPtr domain, int event, int detail, void* self);
  static void OnReboot(virConnectPtr, virDomainPtr domain, void* self);

  LibvirtOptions options_;
  EventHandler on_event_;
  InheritedChildren children_;  // of the embedded driver; a libvirtd has its own
  mutable std::mutex mutex_;
  std::optional<EventLoop> loop_;  // guarded by mutex_; runs as long as there is a connection
  Connection connection_;          // guarded by mutex_
  std::array<int, 2> callbacks_{-1, -1};  // guarded by mutex_; of connection_
};

int Libvirt::OnLifecycle(virConnectPtr, virDomainPtr domain, int event, int detail, void* self) {
  auto const& me = *static_cast<Libvirt const*>(self);
  if (event == VIR_DOMAIN_EVENT_STARTED) me.Emit(domain, DomainEvent::Kind::kStarted);
  if (event == VIR_DOMAIN_EVENT_STOPPED) me.Emit(domain, DomainEvent::Kind::kStopped);
  if (event == VIR_DOMAIN_EVENT_SUSPENDED && detail == VIR_DOMAIN_EVENT_SUSPENDED_IOERROR)
    me.Emit(domain, DomainEvent::Kind::kIoError);
  return 0;
}

void Libvirt::OnReboot(virConnectPtr, virDomainPtr domain, void* self) {
  static_cast<Libvirt const*>(self)->Emit(domain, DomainEvent::Kind::kRebooted);
}

Result<void> Libvirt::Watch(virConnectPtr connection) {
  callbacks_ = {
      virConnectDomainEventRegisterAny(connection, nullptr, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                       VIR_DOMAIN_EVENT_CALLBACK(&OnLifecycle), this, nullptr),
      virConnectDomainEventRegisterAny(connection, nullptr, VIR_DOMAIN_EVENT_ID_REBOOT,
                                       VIR_DOMAIN_EVENT_CALLBACK(&OnReboot), this, nullptr)};
  if (callbacks_[0] < 0 || callbacks_[1] < 0) return LastError("watch machines");
  // The embedded driver has no peer to keep alive and refuses.
  if (virConnectSetKeepAlive(connection, kKeepAliveInterval, kKeepAliveCount) != 0)
    virResetLastError();
  return {};
}

Result<Connection> Libvirt::Open() {
  std::lock_guard const lock(mutex_);
  if (connection_ != nullptr && virConnectIsAlive(connection_.get()) == 1) return connection_;
  Disconnect();
  TRELLIS_CHECK(LoadLibvirt());
  TRELLIS_CHECK(RegisterEventLoop());
  if (!loop_.has_value()) loop_.emplace();
  virConnectPtr const raw = virConnectOpen(options_.uri.c_str());
  if (raw == nullptr) {
    auto error = LastError("open libvirt");
    error.value().code = Code::kUnavailable;
    return error;
  }
  Connection fresh(raw, CloseConnection());
  TRELLIS_CHECK(Watch(raw));
  connection_ = std::move(fresh);
  return connection_;
}

void Libvirt::Disconnect() {
  if (connection_ == nullptr) return;
  for (int const id : callbacks_)  // each holds a reference to the connection
    virConnectDomainEventDeregisterAny(connection_.get(), id);
  connection_.reset();
}

Result<void> Libvirt::Connect() {
  TRELLIS_TRY(auto const connection, Open());
  (void)connection;
  return {};
}

Result<DomainPtr> Libvirt::Lookup(Connection const& connection, std::string const& name) {
  DomainPtr domain(virDomainLookupByName(connection.get(), name.c_str()));
  if (domain == nullptr) return LastError("find machine");
  return domain;
}

Result<void> Libvirt::Create(std::string const& xml, bool paused) {
  TRELLIS_TRY(auto const connection, Open());
  unsigned const flags = paused ? VIR_DOMAIN_START_PAUSED : VIR_DOMAIN_NONE;
  InheritedChildren::Scope const scope(children_);
  DomainPtr const domain(virDomainCreateXML(connection.get(), xml.c_str(), flags));
  for (auto& child : children_.FindNew())
    ReapAtItsEnd(std::move(child));
  if (domain == nullptr) return LastError("start machine");
  return {};
}

/// Success when the domain is gone meanwhile.
Result<void> IfThere(int status, std::string_view what) {
  if (status == 0) return {};
  virErrorPtr const error = virGetLastError();
  bool const gone = error != nullptr &&
                    (error->code == VIR_ERR_NO_DOMAIN || error->code == VIR_ERR_OPERATION_INVALID);
  if (gone) return {};
  return LastError(what);
}

Result<void> Libvirt::Destroy(std::string const& name) {
  TRELLIS_TRY(auto const connection, Open());
  auto const domain = Lookup(connection, name);
  if (!domain && domain.error().code == Code::kNotFound) return {};
  if (!domain) return tl::unexpected<Error>(domain.error());
  return IfThere(virDomainDestroy(domain->get()), "stop machine");
}

Result<void> Libvirt::Shutdown(std::string const& name) {
  TRELLIS_TRY(auto const connection, Open());
  auto const domain = Lookup(connection, name);
  if (!domain && domain.error().code == Code::kNotFound) return {};
  if (!domain) return tl::unexpected<Error>(domain.error());
  return IfThere(virDomainShutdownFlags(domain->get(), VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN),
                 "shut machine down");
}

Result<Domain> Describe(virDomainPtr domain) {
  int state = 0;
  int reason = 0;
  if (virDomainGetState(domain, &state, &reason, 0) != 0) return LastError("state of machine");
  if (state == VIR_DOMAIN_SHUTOFF || state == VIR_DOMAIN_CRASHED)
    return Fail(Code::kNotFound, "machine '{}' has ended", virDomainGetName(domain));
  Domain out;
  out.name = virDomainGetName(domain);
  out.id = static_cast<std::int32_t>(virDomainGetID(domain));
  if (state == VIR_DOMAIN_PAUSED) out.state = Domain::State::kPaused;
  if (state == VIR_DOMAIN_SHUTDOWN) out.state = Domain::State::kEnding;
  out.io_error = state == VIR_DOMAIN_PAUSED && reason == VIR_DOMAIN_PAUSED_IOERROR;
  char* const metadata = virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, kMetadataUri, 0);
  if (metadata != nullptr) {
    out.hash = HashOfMetadata(metadata);
    std::free(metadata);  // NOLINT(cppcoreguidelines-no-malloc): the library's allocation
  } else {
    virResetLastError();
  }
  return out;
}

Result<void> Libvirt::Suspend(std::string const& name) {
  TRELLIS_TRY(auto const connection, Open());
  TRELLIS_TRY(auto const domain, Lookup(connection, name));
  TRELLIS_TRY(auto const now, Describe(domain.get()));
  if (now.state == Domain::State::kPaused) return {};
  if (virDomainSuspend(domain.get()) != 0) return LastError("pause machine");
  return {};
}

Result<void> Libvirt::Resume(std::string const& name) {
  TRELLIS_TRY(auto const connection, Open());
  TRELLIS_TRY(auto const domain, Lookup(connection, name));
  TRELLIS_TRY(auto const now, Describe(domain.get()));
  if (now.state != Domain::State::kPaused) return {};
  if (virDomainResume(domain.get()) != 0) return LastError("resume machine");
  return {};
}

Result<Domain> Libvirt::Find(std::string const& name) {
  TRELLIS_TRY(auto const connection, Open());
  TRELLIS_TRY(auto const domain, Lookup(connection, name));
  return Describe(domain.get());
}

Result<std::vector<Domain>> Libvirt::List() {
  TRELLIS_TRY(auto const connection, Open());
  virDomainPtr* raw = nullptr;
  int const count =
      virConnectListAllDomains(connection.get(), &raw, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
  if (count < 0) return LastError("list machines");
  std::vector<Domain> out;
  for (int i = 0; i < count; ++i) {
    DomainPtr const domain(raw[i]);
    auto described = Describe(domain.get());
    if (described) out.push_back(*std::move(described));  // else it ended meanwhile
  }
  std::free(raw);  // NOLINT(cppcoreguidelines-no-malloc): the library's allocation
  return out;
}

}  // namespace

std::unique_ptr<Hypervisor> MakeLibvirt(LibvirtOptions options, Hypervisor::EventHandler on_event) {
  return std::make_unique<Libvirt>(std::move(options), std::move(on_event));
}

}  // namespace trellis::plugins::zmachine
