#include "plugins/zlogs/streams.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <set>

namespace trellis::plugins::zlogs {
namespace {

constexpr std::string_view kKeyPrefix = "stream:";
constexpr std::uint32_t kStopTimeout = 5;
constexpr std::uint64_t kMemory = std::uint64_t{64} << 20U;
constexpr std::uint32_t kFiles = 64;

std::string Key(std::string_view id) {
  return fmt::format("{}{}", kKeyPrefix, id);
}

}  // namespace

std::uint64_t InodeOf(std::string const& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

Result<bool> Streams::Start(Call const& call, std::string_view id, std::string const& url,
                            Source const& source) {
  auto told = settings_;
  if (told.nameservers.empty()) told.nameservers = source.nameservers;
  TRELLIS_TRY(auto const state, OpenFile(StateFile(id), O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  ProcessSpec spec;
  spec.argv = {settings_.program, "--id", std::string(id)};
  // LOG_FILE is for the supervisor alone: another file is another process.
  spec.env = {{"OUTPUT", url},
              {"SETTINGS", json::Dump(told)},
              {"LOG", source.log_name},
              {"LOG_FILE", source.record.log}};
  spec.user = settings_.user;
  spec.netns = source.record.netns;
  spec.cgroup = ProcessCgroup{kMemory, 0};
  spec.nofile = kFiles;
  spec.stop_timeout_s = kStopTimeout;
  spec.listen_fds = {"folder", "log", "state"};
  if (source.fds.size() != 2) return Fail(Code::kInternal, "the log of the machine has no files");
  std::array<std::int32_t, 3> const fds{source.fds[0].get(), source.fds[1].get(), state.get()};
  TRELLIS_TRY(auto const started, host_.EnsureProcess(call, id, spec, fds));
  return started.changed;
}

Result<void> Streams::Stop(Call const& call, std::string_view id) {
  return host_.StopProcess(call, id);
}

Result<void> Streams::Remove(Call const& call, std::string_view id) {
  TRELLIS_CHECK(Stop(call, id));
  if (::unlink(StateFile(id).c_str()) != 0 && errno != ENOENT)
    return FailErrno("remove the state of '{}'", id);
  return host_.StoreRemove(Key(id));
}

Result<void> Streams::Remember(std::string_view id, StreamRecord const& record) {
  return host_.StorePut(Key(id), json::Dump(record));
}

Result<StreamRecord> Streams::Find(std::string_view id) const {
  TRELLIS_TRY(auto const text, host_.StoreGet(Key(id)));
  return json::Parse<StreamRecord>(text);
}

Result<std::vector<std::string>> Streams::Known() const {
  TRELLIS_TRY(auto const keys, host_.StoreList(kKeyPrefix));
  TRELLIS_TRY(auto const processes, host_.ListProcesses(""));
  std::set<std::string> ids;
  for (auto const& key : keys)
    ids.insert(key.substr(kKeyPrefix.size()));
  for (auto const& process : processes)
    ids.insert(process.name);
  return std::vector<std::string>(ids.begin(), ids.end());
}

Result<std::size_t> Streams::CountOthers(std::string const& machine, std::string_view id) const {
  TRELLIS_TRY(auto const keys, host_.StoreList(kKeyPrefix));
  std::size_t count = 0;
  for (auto const& key : keys) {
    auto const other = key.substr(kKeyPrefix.size());
    if (other == id) continue;
    auto const record = Find(other);
    if (record && record->machine == machine) ++count;
  }
  return count;
}

Result<std::optional<ProcessInfo>> Streams::Process(std::string_view id) const {
  TRELLIS_TRY(auto const processes, host_.ListProcesses(id));
  auto const found = std::ranges::find(processes, id, &ProcessInfo::name);
  if (found == processes.end()) return std::optional<ProcessInfo>();
  return std::optional<ProcessInfo>(*found);
}

Status Streams::Look(std::string_view id) const {
  auto const text = ReadFile(StateFile(id), kStatusBytes);
  auto status = text ? json::Parse<Status>(*text) : Result<Status>(Status{});
  return status ? *std::move(status) : Status{};
}

}  // namespace trellis::plugins::zlogs
