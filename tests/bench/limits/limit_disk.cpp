// Disk floors.
//   append      append 2 KB + fdatasync (the file grows: the size goes through the journal)
//   fallocate   the same in space that fallocate reserved (unwritten extents)
//   prealloc    overwrite a zero-filled file + fdatasync (no size change)
//   group       N writers, one leader writes and syncs for all that wait (the commit limit)
#include "tests/bench/limits/common.hpp"
#include "tests/bench/limits/sync_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

namespace {

using namespace trellis::limits;  // NOLINT(google-build-using-namespace): a program of its own

constexpr std::size_t kPrepared = std::size_t{128} << 20;

enum class Space : std::uint8_t { kGrows, kReserved, kZeroed };
enum class Sync : std::uint8_t { kData, kAll };

int OpenFile(std::filesystem::path const& path, Space space) {
  std::filesystem::remove(path);
  if (space == Space::kZeroed) return MakeZeroFile(path, kPrepared);
  int const fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) Die("cannot make " + path.string());
  if (space == Space::kReserved && ::posix_fallocate(fd, 0, kPrepared) != 0) Die("fallocate");
  if (::fsync(fd) != 0) Die("fsync");
  return fd;
}

void Single(std::filesystem::path const& dir, std::string name, Space space, Sync sync,
            double seconds) {
  int const fd = OpenFile(dir / "limit.wal", space);
  auto const record = ResultRecord();
  std::vector<double> latencies;
  std::size_t at = 0;
  auto const start = Clock::now();
  while (SecondsBetween(start, Clock::now()) < seconds) {
    double const before = NowUs();
    if (::pwrite(fd, record.data(), record.size(), static_cast<off_t>(at)) < 0) Die("write");
    if ((sync == Sync::kAll ? ::fsync(fd) : ::fdatasync(fd)) != 0) Die("sync");
    latencies.push_back(NowUs() - before);
    at += record.size();
    if (space != Space::kGrows && at + 4096 > kPrepared) at = 0;
  }
  double const rate = static_cast<double>(latencies.size()) / SecondsBetween(start, Clock::now());
  Print({std::move(name), rate, std::move(latencies), {}});
  ::close(fd);
}

/// The first writer that finds nobody writing does it for all that wait.
class GroupLog {
 public:
  GroupLog(int fd, Space space) : fd_(fd), space_(space) {}

  void Commit(std::string const& record) {
    std::unique_lock lock(mutex_);
    waiting_ += record;
    auto const mine = ++queued_;
    while (done_ < mine) {
      if (leading_) {
        changed_.wait(lock);
        continue;
      }
      leading_ = true;
      auto const bytes = std::exchange(waiting_, {});
      auto const upto = queued_;
      lock.unlock();
      WriteAndSync(bytes);
      lock.lock();
      ++syncs_;
      done_ = upto;
      leading_ = false;
      changed_.notify_all();
    }
  }
  [[nodiscard]] std::uint64_t syncs() const { return syncs_; }

 private:
  void WriteAndSync(std::string const& bytes) {
    if (space_ == Space::kZeroed && at_ + bytes.size() > kPrepared) at_ = 0;
    if (::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(at_)) < 0) Die("write");
    at_ += bytes.size();
    if (::fdatasync(fd_) != 0) Die("fdatasync");
  }

  int fd_;
  Space space_;
  std::size_t at_ = 0;
  std::mutex mutex_;  // guards the rest
  std::condition_variable changed_;
  std::string waiting_;
  std::uint64_t queued_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t syncs_ = 0;
  bool leading_ = false;
};

void Group(std::filesystem::path const& dir, std::size_t writers, Space space, double seconds) {
  int const fd = OpenFile(dir / "limit.wal", space);
  GroupLog log(fd, space);
  auto const record = ResultRecord();
  std::atomic<bool> stop{false};
  std::vector<std::vector<double>> latencies(writers);
  std::vector<std::jthread> threads;
  auto const start = Clock::now();
  for (auto& mine : latencies) {
    threads.emplace_back([&] {
      while (!stop) {
        double const before = NowUs();
        log.Commit(record);
        mine.push_back(NowUs() - before);
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  stop = true;
  threads.clear();
  double const took = SecondsBetween(start, Clock::now());
  Row row;
  for (auto const& mine : latencies)
    row.latencies_us.insert(row.latencies_us.end(), mine.begin(), mine.end());
  auto const count = static_cast<double>(row.latencies_us.size());
  auto const syncs = static_cast<double>(log.syncs());
  row.name = fmt::format("group_commit/{}/writers:{}",
                         space == Space::kZeroed ? "prealloc" : "append", writers);
  row.per_s = count / took;
  row.more = {{"records_per_sync", count / syncs}, {"syncs_per_s", syncs / took}};
  Print(std::move(row));
  ::close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  std::filesystem::path dir = ".";
  double seconds = 3;
  std::string only;
  bool json = false;
  CLI::App app("The floors of the disk");
  app.add_option("dir", dir, "folder on the disk that the daemon uses");
  app.add_option("--seconds", seconds, "of each case");
  app.add_option("--only", only,
                 "canary: prealloc_2k+fdatasync; group16: the zeroed file, 16 writers");
  app.add_flag("--json", json);
  CLI11_PARSE(app, argc, argv);
  if (json) SetJson();
  if (only.empty()) {
    Single(dir, "append_2k+fsync", Space::kGrows, Sync::kAll, seconds);
    Single(dir, "append_2k+fdatasync", Space::kGrows, Sync::kData, seconds);
    Single(dir, "fallocate_2k+fdatasync", Space::kReserved, Sync::kData, seconds);
    for (auto const space : {Space::kGrows, Space::kZeroed}) {
      for (std::size_t const writers : {1U, 4U, 16U, 64U, 256U})
        Group(dir, writers, space, seconds);
    }
  }
  if (only.empty() || only == "canary")
    Single(dir, "prealloc_2k+fdatasync", Space::kZeroed, Sync::kData, seconds);
  if (only == "group16") Group(dir, 16, Space::kZeroed, seconds);
  std::filesystem::remove(dir / "limit.wal");
  return 0;
}
