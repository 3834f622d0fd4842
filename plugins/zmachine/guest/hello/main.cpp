// trellis-hello: the example machine. Answers HTTP on port 80 as process 1 of a container.
//   GET /              who and where the machine is, as JSON
//   PUT /data/<name>   writes the body to the machine's disk
//   GET /data/<name>   reads it back
//   GET /ask/<ip>      asks the machine at that address the first question and passes its answer on
// Every request is one line on the console. One connection at a time, three seconds each.
#include "plugins/zmachine/guest/hello/ask.hpp"
#include "plugins/zmachine/guest/hello/request.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

using trellis::hello::JsonText;
using trellis::hello::ParseRequest;
using trellis::hello::Request;

constexpr std::uint16_t kPort = 80;
constexpr std::size_t kMaxHead = 16UL * 1024UL;
constexpr std::uint64_t kMaxBody = 1024UL * 1024UL * 1024UL;
constexpr char const* kDataFolder = "/data";

struct Answer {
  int status = 200;
  std::string type = "text/plain";
  std::string body;
};

bool SendAll(int fd, std::string_view text) {
  while (!text.empty()) {
    auto const sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

char const* Reason(int status) {
  if (status == 200) return "OK";
  if (status == 201) return "Created";
  if (status == 404) return "Not Found";
  if (status == 504) return "Gateway Timeout";
  if (status == 507) return "Insufficient Storage";
  return "Error";
}

void Send(int client, Answer const& answer) {
  SendAll(client, "HTTP/1.1 " + std::to_string(answer.status) + " " + Reason(answer.status) +
                      "\r\nContent-Type: " + answer.type +
                      "\r\nContent-Length: " + std::to_string(answer.body.size()) +
                      "\r\nConnection: close\r\n\r\n" + answer.body);
}

std::string EnvironmentJson() {
  std::string out = "{";
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string_view const pair = *entry;
    auto const split = pair.find('=');
    if (split == std::string_view::npos) continue;
    if (out.size() > 1) out += ",";
    out += JsonText(pair.substr(0, split)) + ":" + JsonText(pair.substr(split + 1));
  }
  return out + "}";
}

double Uptime() {
  double uptime = 0;
  if (std::FILE* const file = std::fopen("/proc/uptime", "re"); file != nullptr) {
    if (std::fscanf(file, "%lf", &uptime) != 1) uptime = 0;
    std::fclose(file);
  }
  return uptime;
}

std::string ArgumentsJson(std::vector<std::string> const& arguments) {
  std::string out = "[";
  for (auto const& argument : arguments) {
    if (out.size() > 1) out += ",";
    out += JsonText(argument);
  }
  return out + "]";
}

Answer Describe(std::vector<std::string> const& arguments) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  struct statvfs disk {};
  bool const have_disk = ::statvfs(kDataFolder, &disk) == 0;
  struct stat root {};
  struct stat data {};
  bool const mounted =
      ::stat("/", &root) == 0 && ::stat(kDataFolder, &data) == 0 && root.st_dev != data.st_dev;
  std::uint64_t const unit = have_disk ? disk.f_frsize : 0;
  return {200, "application/json",
          "{\"hostname\":" + JsonText(host.data()) + ",\"uptime_s\":" + std::to_string(Uptime()) +
              ",\"env\":" + EnvironmentJson() + ",\"args\":" + ArgumentsJson(arguments) +
              ",\"data\":{\"mounted\":" + (mounted ? "true" : "false") +
              ",\"size_bytes\":" + std::to_string(unit * disk.f_blocks) +
              ",\"free_bytes\":" + std::to_string(unit * disk.f_bavail) + "}}\n"};
}

Answer Failure(std::string const& what) {
  int const status = errno == ENOENT ? 404 : errno == ENOSPC || errno == EDQUOT ? 507 : 500;
  return {status, "text/plain", what + ": " + std::strerror(errno) + "\n"};
}

Answer ReadData(std::string const& path) {
  int const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return Failure("read");
  Answer answer{200, "application/octet-stream", ""};
  std::array<char, 65536> buffer{};
  ssize_t size = 0;
  while ((size = ::read(file, buffer.data(), buffer.size())) > 0) {
    answer.body.append(buffer.data(), static_cast<std::size_t>(size));
  }
  ::close(file);
  return size < 0 ? Failure("read") : answer;
}

bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    auto const done = ::write(fd, text.data(), text.size());
    if (done <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

Answer WriteData(int client, Request const& request, std::string const& path) {
  if (request.length > kMaxBody) return {413, "text/plain", "body too large\n"};
  int const file =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (file < 0) return Failure("write");
  auto const first = std::min<std::uint64_t>(request.rest.size(), request.length);
  bool good = WriteAll(file, std::string_view(request.rest).substr(0, first));
  std::uint64_t left = request.length - first;
  std::array<char, 65536> buffer{};
  while (good && left > 0) {
    auto const size =
        ::recv(client, buffer.data(), std::min<std::uint64_t>(buffer.size(), left), 0);
    if (size <= 0) break;
    good = WriteAll(file, {buffer.data(), static_cast<std::size_t>(size)});
    left -= static_cast<std::uint64_t>(size);
  }
  good = good && ::fsync(file) == 0;
  Answer answer = good ? Answer{201, "text/plain", "written\n"} : Failure("write");
  if (good && left > 0) answer = {400, "text/plain", "body was cut off\n"};
  ::close(file);
  return answer;
}

Answer AskMachine(std::string const& address) {
  auto const answer = trellis::hello::Ask(address);
  if (answer) return {200, "application/json", *answer};
  return {504, "text/plain", "no answer from " + address + "\n"};
}

Answer Handle(int client, Request const& request, std::vector<std::string> const& arguments) {
  constexpr std::string_view kData = "/data/";
  constexpr std::string_view kAsk = "/ask/";
  if (request.method == "GET" && request.path == "/") return Describe(arguments);
  if (request.method == "GET" && request.path.starts_with(kAsk))
    return AskMachine(request.path.substr(kAsk.size()));
  if (!request.path.starts_with(kData)) return {404, "text/plain", "no such page\n"};
  auto const name = request.path.substr(kData.size());
  if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos) {
    return {400, "text/plain", "bad name\n"};
  }
  if (request.method == "GET") return ReadData(request.path);
  if (request.method == "PUT") return WriteData(client, request, request.path);
  return {405, "text/plain", "GET or PUT\n"};
}

void Serve(int client, std::vector<std::string> const& arguments) {
  timeval const limit{.tv_sec = 3, .tv_usec = 0};
  ::setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  ::setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  std::string head;
  std::array<char, 4096> buffer{};
  while (head.find("\r\n\r\n") == std::string::npos && head.size() < kMaxHead) {
    auto const size = ::recv(client, buffer.data(), buffer.size(), 0);
    if (size <= 0) return;
    head.append(buffer.data(), static_cast<std::size_t>(size));
  }
  auto const request = ParseRequest(head);
  if (!request) return Send(client, {400, "text/plain", "bad request\n"});
  if (request->expects_continue) SendAll(client, "HTTP/1.1 100 Continue\r\n\r\n");
  auto const answer = Handle(client, *request, arguments);
  Send(client, answer);
  std::printf("%s %s %d\n", request->method.c_str(), JsonText(request->path).c_str(),
              answer.status);
}

int Listen() {
  int const server = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int const on = 1;
  ::setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;  // takes IPv4 too
  address.sin6_port = htons(kPort);
  if (::bind(server, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(server, SOMAXCONN) != 0) {
    return -1;
  }
  return server;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> const arguments(argv, argv + argc);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  ::signal(SIGCHLD, SIG_IGN);  // process 1 inherits orphans; the kernel reaps them
  ::mkdir(kDataFolder, 0755);
  int const server = Listen();
  if (server < 0) {
    std::printf("trellis-hello: cannot listen on port %d: %s\n", kPort, std::strerror(errno));
    return 1;
  }
  std::printf("trellis-hello " TRELLIS_VERSION " listens on port %d\n", kPort);
  while (true) {
    int const client = ::accept4(server, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    Serve(client, arguments);
    ::close(client);
  }
}
