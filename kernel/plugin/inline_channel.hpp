// A plugin whose code runs in this process.
#pragma once

#include "kernel/plugin/call_watch.hpp"
#include "kernel/plugin/channel.hpp"
#include "kernel/plugin/host_table.hpp"
#include "kernel/plugin/library.hpp"

#include <functional>
#include <memory>
#include <string>

namespace trellis::plugin {

/// Calls the C tables directly; everything but Examine runs on a thread of `threads`, so that a
/// call that never returns costs a thread and not the caller. Without threads (in a helper process,
/// which is killed instead) it runs on the caller's. Whatever a plugin throws becomes TRL_FAULT.
class InlineChannel final : public PluginChannel,
                            public std::enable_shared_from_this<InlineChannel> {
 public:
  InlineChannel(std::unique_ptr<Library> library, std::unique_ptr<HostBackend> backend,
                CallThreads* threads, CallWatch* watch);
  ~InlineChannel() override;

  Result<std::string> MigrateConfig(CallInfo const& call, std::uint32_t from,
                                    std::string const& config) override;
  Result<void> MigrateState(CallInfo const& call, std::uint32_t from,
                            std::string const& state_dir) override;
  Result<void> Create(OpenSpec const& spec, CallInfo const& call) override;
  Result<void> Start(CallInfo const& call) override;
  Result<void> Stop(CallInfo const& call) override;
  void Destroy() override;
  Examination Examine(CallInfo const& call, std::string const& type, std::string const& data,
                      bool check_valid) override;
  OpAnswer Run(Op op, CallInfo const& call, OpRequest const& request) override;
  OpAnswer Precheck(Op op, CallInfo const& call, OpRequest const& request) override;
  Result<InspectAnswer> Inspect(CallInfo const& call, OpRequest const& request) override;
  Result<std::vector<std::string>> ListOwned(CallInfo const& call,
                                             std::string const& type) override;
  Result<void> Recovered(CallInfo const& call, std::string const& type,
                         std::vector<std::string> const& ids) override;
  Result<ServiceAnswer> Service(CallInfo const& call, std::string const& id,
                                std::string_view method, std::string_view request,
                                std::span<int const> fds) override;
  CommandReply Command(CallInfo const& call, std::string const& name,
                       std::string_view payload) override;
  Result<std::string> Provider(CallInfo const& call, std::string const& kind,
                               std::string const& name, std::string_view request) override;
  Result<std::string> Health(CallInfo const& call) override;
  void Event(std::string_view topic, std::string_view payload) override;

 private:
  struct Wires;
  struct Reply;
  using Body = std::function<trl_status(trl_call const*, Wires&)>;
  /// Runs `body` on a call thread, or watched on this one, and turns what it wrote into a reply.
  Reply Call(CallInfo const& call, std::string const& what, Body body);
  [[nodiscard]] bool StaysHere(CallInfo const& call) const {
    return watch_ != nullptr && call.lost != nullptr;
  }
  /// The same on this thread, unwatched.
  Reply CallHere(CallInfo const& call, std::string const& what, Body const& body);
  Result<std::string> CallForText(CallInfo const& call, std::string const& what, Body body);
  OpAnswer Effect(Op op, CallInfo const& call, OpRequest const& request, TypeCode const& type);
  void FinishEffect(Op op, Reply const& reply, OpAnswer& answer) const;
  [[nodiscard]] Reply Lost(CallInfo const& call, std::string const& what) const;
  [[nodiscard]] std::string Broke(std::string_view what) const;
  [[nodiscard]] Result<TypeCode const*> Type(std::string const& name) const;

  std::unique_ptr<Library> library_;
  std::unique_ptr<HostBackend> backend_;
  HostTable host_;
  CallThreads* threads_;  // may be nullptr
  CallWatch* watch_;      // nullptr: no call stays on its caller's thread
  OpenSpec spec_;  // its text is borrowed by the plugin only during create, kept for late threads
  void* self_ = nullptr;  // the plugin's object, between Create and Destroy
};

}  // namespace trellis::plugin
