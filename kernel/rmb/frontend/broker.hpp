// What the list front-end does with a message: requests of programs go to the peer, requests of
// other twins to services, answers to whoever asked.
#pragma once

#include "kernel/base/clock.hpp"
#include "kernel/rmb/frontend/lists.hpp"
#include "kernel/rmb/frontend/messages.hpp"
#include "kernel/rmb/peer.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace trellis::rmb {

/// Belongs to the front-end's thread.
class Broker {
 public:
  /// Asks another twin; `done` on the front-end's thread.
  using Ask = std::function<void(Question, std::function<void(CallResult)> done)>;
  /// Something was pushed to the list.
  using Pushed = std::function<void(std::string const& list)>;

  Broker(Lists& lists, Clock const& clock, Ask ask, Pushed pushed)
      : lists_(lists), clock_(clock), ask_(std::move(ask)), pushed_(std::move(pushed)) {}

  /// A program's message in `msgbus.system.local` or `msgbus.system.reply`.
  void Take(std::string_view list, std::string const& text);
  /// A request of another twin for the service of its command.
  void Serve(IncomingRequest const& request, Reply reply);
  /// Forgets requests whose time is over.
  void Sweep(std::int64_t now);

  static constexpr std::size_t kMaxBacklog = 10000;

 private:
  struct Open {
    std::string source;
    Reply reply;
    std::int64_t until = 0;
  };

  void Send(lists::RequestOut const& request);
  void Finish(lists::RequestOut const& request, std::uint32_t twin, CallResult const& result);
  void Refuse(lists::RequestOut const& request, std::uint32_t code, std::string text);
  void Answer(std::string const& text);
  void Push(std::string const& list, std::string text);

  Lists& lists_;
  Clock const& clock_;
  Ask ask_;
  Pushed pushed_;
  std::multimap<std::string, Open> backlog_;  // by uid
};

}  // namespace trellis::rmb
