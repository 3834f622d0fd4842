#include "tools/cli/control_client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace trellis::cli {
namespace {

constexpr std::chrono::seconds kAnswerTime(120);

Code CodeOf(std::int64_t wire) {
  switch (wire) {
    case 400:
      return Code::kInvalid;
    case 401:
      return Code::kDenied;
    case 404:
      return Code::kNotFound;
    case 409:
      return Code::kConflict;
    case 429:
      return Code::kBusy;
    case 503:
      return Code::kUnavailable;
    default:
      return Code::kInternal;
  }
}

}  // namespace

Result<ControlClient> ControlClient::Connect(std::filesystem::path const& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto const text = socket.string();
  if (text.size() >= sizeof address.sun_path)
    return Fail(Code::kInvalid, "the path '{}' is too long for a socket", text);
  std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
  sys::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() ||
      ::connect(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) {
    return Fail(Code::kUnavailable, "no daemon answers on '{}': start it with 'trellis up'", text);
  }
  return ControlClient(std::move(fd));
}

Result<std::optional<json::Value>> ControlClient::ReadLine(std::chrono::milliseconds limit) {
  auto const end = std::chrono::steady_clock::now() + limit;
  while (true) {
    if (auto const at = buffer_.find('\n'); at != std::string::npos) {
      auto line = json::ParseValue(std::string_view(buffer_).substr(0, at));
      buffer_.erase(0, at + 1);
      if (!line) return tl::unexpected<Error>(line.error());
      return std::optional<json::Value>(*std::move(line));
    }
    auto const left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return std::optional<json::Value>();
    pollfd entry{fd_.get(), POLLIN, 0};
    int const ready = ::poll(&entry, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return std::optional<json::Value>();
    std::array<char, 65536> chunk{};
    auto const got = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Fail(Code::kUnavailable, "the daemon closed the connection");
    buffer_.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

Result<json::Value> ControlClient::Call(std::string_view command, json::Value const& payload,
                                        std::uint32_t twin) {
  boost::json::object request{
      {"id", next_id_++}, {"cmd", std::string(command)}, {"payload", payload}};
  if (twin != 0) request["twin"] = twin;
  auto const line = boost::json::serialize(request) + "\n";
  std::string_view rest = line;
  while (!rest.empty()) {
    auto const sent = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return Fail(Code::kUnavailable, "the daemon closed the connection");
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  while (true) {
    TRELLIS_TRY(auto const answer, ReadLine(kAnswerTime));
    if (!answer.has_value()) return Fail(Code::kTimeout, "the daemon did not answer '{}'", command);
    auto const& object = answer->as_object();
    if (object.contains("event")) continue;
    if (auto const* result = object.if_contains("result"); result != nullptr) return *result;
    auto const* error = object.if_contains("error");
    if (error == nullptr || !error->is_object())
      return Fail(Code::kDecode, "the daemon's answer to '{}' is not understood", command);
    auto const reason = json::Parse<std::string>(boost::json::serialize(error->at("reason")));
    auto const message = json::Parse<std::string>(boost::json::serialize(error->at("message")));
    auto const prefix = reason && !reason->empty() ? fmt::format("[{}] ", *reason) : std::string();
    return tl::unexpected<Error>(
        Error{CodeOf(error->at("code").to_number<std::int64_t>()), prefix + message.value_or("")});
  }
}

Result<void> ControlClient::Watch(std::uint32_t twin, std::uint64_t contract) {
  TRELLIS_CHECK(Call("local.events", boost::json::object{{"twin", twin}, {"contract", contract}}));
  return {};
}

Result<std::optional<json::Value>> ControlClient::NextEvent(std::chrono::milliseconds limit) {
  TRELLIS_TRY(auto const line, ReadLine(limit));
  if (!line.has_value()) return std::optional<json::Value>();
  auto const* event = line->as_object().if_contains("event");
  if (event == nullptr) return std::optional<json::Value>();
  return std::optional<json::Value>(*event);
}

}  // namespace trellis::cli
