#include "tools/load/control.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace trellis::load {

Result<Control> Control::Connect(std::filesystem::path const& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto const path = socket.string();
  if (path.size() >= sizeof address.sun_path)
    return Fail(Code::kInvalid, "the path '{}' is too long for a socket", path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  sys::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() ||
      ::connect(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0)
    return Fail(Code::kUnavailable, "no daemon listens on '{}': {}", path, std::strerror(errno));
  return Control(std::move(fd));
}

bool Control::Receive(bool wait) {
  std::array<char, 65536> chunk{};
  while (true) {
    auto const got = ::recv(fd_.get(), chunk.data(), chunk.size(), wait ? 0 : MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false;
    buffer_.append(chunk.data(), static_cast<std::size_t>(got));
    if (wait) return true;
  }
}

Result<json::Value> Control::Call(std::string_view command, json::Value const& payload) {
  auto const line = boost::json::serialize(boost::json::object{
                        {"id", 1}, {"cmd", std::string(command)}, {"payload", payload}}) +
                    "\n";
  if (::send(fd_.get(), line.data(), line.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(line.size()))
    return Fail(Code::kUnavailable, "the daemon left");
  std::size_t end = 0;
  while ((end = buffer_.find('\n')) == std::string::npos) {
    if (!Receive(/*wait=*/true)) return Fail(Code::kUnavailable, "the daemon left");
  }
  auto const answer = json::ParseValue(std::string_view(buffer_).substr(0, end));
  buffer_.erase(0, end + 1);
  TRELLIS_TRY(auto const value, answer);
  auto const* result = value.is_object() ? value.as_object().if_contains("result") : nullptr;
  if (result == nullptr)
    return Fail(Code::kDenied, "{}: {}", command, boost::json::serialize(value));
  return *result;
}

Result<Target> Control::Status() {
  TRELLIS_TRY(auto const value, Call("local.status", nullptr));
  Target target;
  auto const& object = value.as_object();
  TRELLIS_CHECK(json::Decode(object.at("pid"), target.pid));
  TRELLIS_CHECK(json::Decode(object.at("node_id"), target.node_id));
  TRELLIS_CHECK(json::Decode(object.at("twin_id"), target.node_twin));
  TRELLIS_CHECK(json::Decode(object.at("relay").as_object().at("url"), target.relay_url));
  return target;
}

Result<Counters> Control::Read() {
  TRELLIS_TRY(auto const value, Call("local.counters", nullptr));
  Counters counters;
  TRELLIS_CHECK(json::Decode(value, counters));
  return counters;
}

Result<void> Control::Watch(std::uint32_t twin) {
  TRELLIS_CHECK(Call("local.events", boost::json::object{{"twin", twin}}));
  return {};
}

}  // namespace trellis::load
