// State changes for those who watch: the control socket's streams and plugins.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace trellis::engine {

/// One visible change. `name` is empty for what happens to the whole deployment: a job is
/// `started`, `settled`, `parked` or `wedged`, or it is `removed`.
struct StateEvent {
  std::uint32_t twin = 0;
  std::uint64_t contract = 0;
  std::string name;
  std::string type;
  std::string state;
  std::string message;
  std::uint32_t version = 0;
};

/// Safe for use by several threads. Handlers run on the publishing thread and must be quick.
class EventBus {
 public:
  using Handler = std::function<void(StateEvent const&)>;

  /// Returns a number for Unsubscribe.
  std::uint64_t Subscribe(Handler handler);
  /// After it returns the handler is not running and will not run again.
  void Unsubscribe(std::uint64_t subscription);
  void Publish(StateEvent const& event);

 private:
  std::mutex mutex_;  // guards the two below, held while handlers run
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, Handler> handlers_;
};

}  // namespace trellis::engine
