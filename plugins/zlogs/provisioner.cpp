#include "plugins/zlogs/provisioner.hpp"

#include "plugins/zlogs/output.hpp"

#include <trellis/health.hpp>
#include <trellis/services/net.hpp>
#include <trellis/services/vm.hpp>

#include <sys/stat.h>

#include <tuple>

namespace trellis::plugins::zlogs {
namespace {

struct AboutRequest {
  std::string id;
};
BOOST_DESCRIBE_STRUCT(AboutRequest, (), (id))

struct StreamInfo {
  std::string output;  ///< without user, password and query
  std::string state;
  std::string error;
  std::uint64_t behind = 0;
  std::uint64_t bytes = 0;
  std::uint64_t chunks = 0;
  std::uint64_t reconnects = 0;
  std::uint64_t dropped = 0;
  std::uint32_t restarts = 0;  ///< of the streamer
};
BOOST_DESCRIBE_STRUCT(StreamInfo, (),
                      (output, state, error, behind, bytes, chunks, reconnects, dropped, restarts))
struct InfoAnswer {
  StreamInfo info;
  std::string logs;
};
BOOST_DESCRIBE_STRUCT(InfoAnswer, (), (info, logs))

struct HealthAnswer {
  std::vector<HealthCheck> checks;
};
BOOST_DESCRIBE_STRUCT(HealthAnswer, (), (checks))

std::string FileId(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 ? fmt::format("{}:{}", info.st_dev, info.st_ino) : std::string();
}

/// `connected`, or what keeps it from being so.
std::string Words(Status const& status) {
  if (status.state == "connected" && status.error.empty()) return "connected";
  if (status.state == "connected") return "connected: " + status.error;
  auto const& error = status.error.empty() ? "starting" : status.error;
  return fmt::format("connecting: {}, {} bytes behind", error, status.behind);
}

}  // namespace

Result<std::string> ZLogsProvisioner::FindMachine(Call const& call, std::string const& name) const {
  auto const machine = host_.GetWorkload(call, name);
  if (!machine && machine.error().code != Code::kNotFound)
    return tl::unexpected<Error>(machine.error());
  if (!machine || machine->type != "zmachine")
    return Fail(Code::kNotFound, "no zmachine with name '{}'", name);
  if (!machine->IsOkay()) return Fail(Code::kUnavailable, "zmachine '{}' is not running", name);
  return machine->id;
}

Result<Streams::Source> ZLogsProvisioner::FindSource(Call const& call,
                                                     std::string const& machine) const {
  Streams::Source source;
  services::MachineRequest const asked{machine};
  TRELLIS_TRY(auto const info, host_.CallService<services::MachineInfo>(call, services::kVmMachine,
                                                                        "inspect", asked));
  TRELLIS_TRY(auto const network, host_.CallService<services::NamespaceInfo>(
                                      call, services::kNetNamespace, "lookup",
                                      services::NamespaceLookup{call.twin_id(), info.network}));
  TRELLIS_TRY(auto log, host_.CallService(call, services::kVmMachine, "log_source",
                                          std::string_view(json::Dump(asked))));
  TRELLIS_TRY(auto const place, json::Parse<services::MachineLog>(log.body));
  if (log.fds.size() != 2) return Fail(Code::kInternal, "the log of the machine has no files");
  source.record = {machine, network.netns, InodeOf(network.netns), FileId(log.fds[1].get())};
  source.log_name = place.path.substr(place.path.rfind('/') + 1);
  source.nameservers = network.nameservers;
  source.fds = std::move(log.fds);
  return source;
}

Result<bool> ZLogsProvisioner::BringUp(Call const& call, Workload<ZLogs> const& workload,
                                       Wanted wanted) {
  auto const& [id, data] = std::tie(workload.id, workload.data);
  TRELLIS_CHECK(ParseOutput(data.output));
  TRELLIS_TRY(auto const machine, FindMachine(call, data.zmachine));
  TRELLIS_TRY(auto const others, streams_.CountOthers(machine, id));
  if (others >= settings_.max_streams_per_machine)
    return Fail(Code::kExhausted, "too many log streams for '{}'", data.zmachine);
  TRELLIS_TRY(auto const source, FindSource(call, machine));
  TRELLIS_CHECK(streams_.Remember(id, source.record));
  if (wanted == Wanted::kRunning) return streams_.Start(call, id, data.output, source);
  TRELLIS_CHECK(streams_.Stop(call, id));
  return true;
}

Result<Outcome<NoResult>> ZLogsProvisioner::Provision(Call& call, Workload<ZLogs> const& workload) {
  auto const wanted = workload.paused ? Wanted::kStopped : Wanted::kRunning;
  TRELLIS_TRY(bool const changed, BringUp(call, workload, wanted));
  if (!changed) return Outcome<NoResult>::NoAction({});
  return Outcome<NoResult>(NoResult{});
}

Result<void> ZLogsProvisioner::Deprovision(Call& call, Workload<ZLogs> const& workload) {
  return streams_.Remove(call, workload.id);
}

Result<void> ZLogsProvisioner::Pause(Call& call, Workload<ZLogs> const& workload) {
  return streams_.Stop(call, workload.id);
}

Result<void> ZLogsProvisioner::Resume(Call& call, Workload<ZLogs> const& workload) {
  TRELLIS_CHECK(BringUp(call, workload, Wanted::kRunning));
  return {};
}

Result<Observed> ZLogsProvisioner::Inspect(Call&, Workload<ZLogs> const& workload) {
  auto const record = streams_.Find(workload.id);
  if (!record && record.error().code == Code::kNotFound) return Observed::Absent();
  TRELLIS_CHECK(record);
  TRELLIS_TRY(auto const process, streams_.Process(workload.id));
  if (workload.paused)
    return process ? Observed::Drifted("the stream is not stopped") : Observed::Paused();
  if (!process || process->state == "stopped") return Observed::Absent();
  if (InodeOf(record->netns) != record->netns_inode)
    return Observed::Drifted("the network was made again");
  auto seen = Observed::Running();
  seen.detail = Words(streams_.Look(workload.id));
  return seen;
}

Result<std::vector<std::string>> ZLogsProvisioner::ListOwned(Call&) {
  return streams_.Known();
}

Result<void> ZLogsProvisioner::Precheck(Call&, PrecheckOp, Workload<ZLogs> const& workload) {
  TRELLIS_CHECK(ParseOutput(workload.data.output));
  return {};
}

Result<std::string> ZLogsProvisioner::Info(std::string_view request) const {
  TRELLIS_TRY(auto const asked, json::Parse<AboutRequest>(request));
  auto const status = streams_.Look(asked.id);
  InfoAnswer answer;
  answer.info = {"",
                 status.state,
                 status.error,
                 status.behind,
                 status.bytes,
                 status.chunks,
                 status.reconnects,
                 status.dropped,
                 0};
  if (auto const view = host_.CurrentWorkload(asked.id)) {
    auto const data = json::Parse<ZLogs>(view->data.OrNull());
    auto const output = data ? ParseOutput(data->output) : Result<Output>(Output{});
    if (output) answer.info.output = output->Shown();
  }
  TRELLIS_TRY(auto const process, streams_.Process(asked.id));
  if (process) answer.info.restarts = process->restarts;
  answer.logs = Words(status);
  return json::Dump(answer);
}

Result<std::string> ZLogsProvisioner::Health(std::string_view request) const {
  TRELLIS_TRY(auto const asked, json::Parse<AboutRequest>(request));
  TRELLIS_TRY(auto const process, streams_.Process(asked.id));
  bool const runs = process && process->state == "running";
  auto const status = streams_.Look(asked.id);
  HealthAnswer answer;
  answer.checks.push_back({"zlogs.process", runs, runs ? "running" : "the streamer does not run"});
  answer.checks.push_back({"zlogs.peer", status.state == "connected", Words(status)});
  return json::Dump(answer);
}

}  // namespace trellis::plugins::zlogs
