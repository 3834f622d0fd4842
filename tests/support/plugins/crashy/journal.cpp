#include "tests/support/plugins/crashy/journal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace trellis::crashy {

Result<void> Journal::Open() const {
  std::error_code failed;
  std::filesystem::create_directories(folder_, failed);
  if (failed) return Fail(Code::kIo, "make '{}': {}", folder_.string(), failed.message());
  return {};
}

Resource Journal::Look(std::string_view id) const {
  Resource now;
  std::ifstream file(folder_ / id);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string event;
    std::string boot;
    std::string token;
    std::string state;
    words >> event >> boot >> token >> state;
    if (event == "part") {
      now.part = true;
    } else if (event == "made") {
      now = {true, true, state == "paused", token};
    } else if (event == "paused" || event == "running") {
      now.paused = event == "paused";
    } else if (event == "half") {
      now.made = false;
    } else if (event == "gone" || event == "lost") {
      now = {};
    }
  }
  return now;
}

Result<void> Journal::Append(std::string_view id, std::string_view event,
                             std::string_view token) const {
  auto const path = folder_ / id;
  int const fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return Fail(Code::kIo, "cannot open '{}'", path.string());
  auto const line = fmt::format("{} {} {}\n", event, boot_, token);
  auto const written = ::write(fd, line.data(), line.size());
  ::close(fd);
  if (written != static_cast<ssize_t>(line.size()))
    return Fail(Code::kIo, "cannot write '{}'", path.string());
  return {};
}

std::vector<std::string> Journal::Owned() const {
  std::vector<std::string> ids;
  std::error_code failed;
  for (auto const& entry : std::filesystem::directory_iterator(folder_, failed)) {
    auto id = entry.path().filename().string();
    if (Look(id).exists()) ids.push_back(std::move(id));
  }
  return ids;
}

}  // namespace trellis::crashy
