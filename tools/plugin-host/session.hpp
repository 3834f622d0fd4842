// A plugin's process: takes the daemon's calls from the socket and makes them on the plugin.
#pragma once

#include "kernel/plugin/helper/connection.hpp"
#include "kernel/plugin/helper/remote_backend.hpp"
#include "kernel/plugin/inline_channel.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <string>
#include <vector>

namespace trellis::plugin_host {

class Session {
 public:
  /// `name` of the plugin, for its threads and log lines.
  Session(sys::UniqueFd socket, std::string name);

  /// Serves until the daemon goes. The process's exit code.
  int Run();

 private:
  struct Answer {
    std::string body;
    std::vector<sys::UniqueFd> fds;
  };
  void OnFrame(plugin::Frame frame);
  /// Reads what arrives, with OnFrame. False at the end of the connection.
  bool ReadOnce();
  /// From here on several threads wait for the socket.
  bool WatchForThreads();
  void LetNextRead();
  /// Takes calls from the socket and makes them: a call changes no thread on its way. Another
  /// thread waits meanwhile, for the next call or for this one's cancellation.
  void Lead();
  void Serve(plugin::Frame const& frame);
  Answer Make(plugin::Frame const& frame);
  Answer MakeMigration(plugin::Frame const& frame, plugin::CallInfo const& call,
                       plugin::FieldReader& in);
  Answer MakeLife(plugin::Frame const& frame, plugin::CallInfo const& call,
                  plugin::FieldReader& in);
  Answer MakeEffect(plugin::Frame const& frame, plugin::CallInfo const& call,
                    plugin::FieldReader& in);
  Answer MakeQuestion(plugin::Frame const& frame, plugin::CallInfo const& call,
                      plugin::FieldReader& in);
  Result<std::vector<std::string>> Confine(std::string_view body);
  Result<std::string> Hello(std::string_view body);
  Result<void> Create(plugin::CallInfo const& call, plugin::FieldReader& in);
  void Notice(plugin::Frame const& frame);
  void Cancel(std::uint64_t call);

  std::string const name_;
  plugin::Connection connection_;
  sys::UniqueFd readable_;                               // epoll
  std::vector<std::shared_ptr<plugin::Frame>> arrived_;  // calls; of the thread that reads
  std::atomic<int> waiting_ = 0;                         // threads, for the socket
  std::atomic<bool> rested_ = false;                     // gave back what nothing used for a while
  std::counting_semaphore<> ended_{0};                   // the connection did
  plugin::CallThreads threads_;
  std::optional<Result<std::vector<std::string>>> confined_;  // what the sandbox left open
  plugin::RemoteBackend* host_ = nullptr;                     // the channel's
  std::shared_ptr<plugin::InlineChannel> channel_;
  std::atomic<bool> created_ = false;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;                                                       // guards running_
  std::map<std::uint64_t, std::shared_ptr<plugin::CancelToken>> running_;  // by call id
};

}  // namespace trellis::plugin_host
