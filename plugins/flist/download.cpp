#include "plugins/flist/download.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/flist/digest.hpp"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <mutex>

namespace trellis::plugins::flist {

namespace {

constexpr long kRedirects = 5;
constexpr long kConnectSeconds = 10;
constexpr long kSlowSeconds = 30;  // this long below kSlowBytes per second ends a transfer
constexpr long kSlowBytes = 1024;
constexpr std::size_t kMaxTag = 1024;
constexpr std::size_t kMaxNote = 4096;
constexpr long kOk = 200;
constexpr long kNotModified = 304;

using Curl = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

struct Note {
  std::string url;
  std::string etag;
};
BOOST_DESCRIBE_STRUCT(Note, (), (url, etag))

struct Transfer {
  Call* call = nullptr;
  int fd = -1;
  std::uint64_t left = 0;
  bool too_big = false;
  std::string etag;
};

std::size_t OnBody(char* data, std::size_t, std::size_t size, void* self) noexcept {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.too_big = size > transfer.left;
  if (transfer.too_big) return 0;
  transfer.left -= size;
  for (std::size_t done = 0; done < size;) {
    auto const wrote = ::write(transfer.fd, data + done, size - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return 0;
    done += static_cast<std::size_t>(wrote);
  }
  return size;
}

std::size_t OnHeader(char* data, std::size_t, std::size_t size, void* self) noexcept try {
  constexpr std::string_view kEtag = "etag:";
  std::string_view line(data, size);
  bool const etag = line.size() > kEtag.size() && line.size() < kMaxTag &&
                    std::equal(kEtag.begin(), kEtag.end(), line.begin(), [](char a, char b) {
                      return a == (b >= 'A' && b <= 'Z' ? b + 32 : b);
                    });
  if (!etag) return size;
  line.remove_prefix(kEtag.size());
  auto const begin = line.find_first_not_of(" \t");
  auto const end = line.find_last_not_of(" \t\r\n");
  if (begin != std::string_view::npos)
    static_cast<Transfer*>(self)->etag = line.substr(begin, end - begin + 1);
  return size;
} catch (...) {
  return 0;
}

int OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  return static_cast<Transfer*>(self)->call->Cancelled() ? 1 : 0;
}

void Prepare(CURL* curl, std::string const& url, Transfer& transfer) {
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, kRedirects);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, kSlowBytes);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kSlowSeconds);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &OnHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &OnProgress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
}

// The HTTP status. kUnavailable, kCancelled, kExhausted.
Result<long> Perform(std::string const& url, std::string const& known_etag, Transfer& transfer) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  Curl const curl(curl_easy_init(), &curl_easy_cleanup);
  if (!curl) return Fail(Code::kInternal, "out of memory");
  Prepare(curl.get(), url, transfer);
  Headers headers(nullptr, &curl_slist_free_all);
  if (!known_etag.empty()) {
    headers.reset(curl_slist_append(nullptr, ("If-None-Match: " + known_etag).c_str()));
    curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  }
  CURLcode const done = curl_easy_perform(curl.get());
  if (transfer.too_big)
    return Fail(Code::kExhausted, "'{}' is bigger than the configured limit", url);
  TRELLIS_CHECK(transfer.call->Checkpoint());
  if (done == CURLE_WRITE_ERROR) return Fail(Code::kIo, "cannot store '{}'", url);
  if (done != CURLE_OK)
    return Fail(Code::kUnavailable, "cannot fetch '{}': {}", url, curl_easy_strerror(done));
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  return status;
}

}  // namespace

Result<std::string> Downloads::Fetch(Call& call, std::string const& url) const {
  TRELLIS_CHECK(MakeDirs(dir_, 0700));
  auto const file = dir_ + "/" + DigestText(url);
  Note note;
  if (auto const text = ReadFile(file + ".json", kMaxNote); text)
    note = json::Parse<Note>(*text).value_or(Note{});
  bool const kept = ::access(file.c_str(), R_OK) == 0;
  std::string temp = file + ".XXXXXX";
  UniqueFd const fd(::mkostemp(temp.data(), O_CLOEXEC));
  if (!fd) return FailErrno("create '{}'", temp);
  Transfer transfer;
  transfer.call = &call;
  transfer.fd = fd.get();
  transfer.left = limit_;
  auto const status = Perform(url, kept ? note.etag : "", transfer);
  bool const fresh = status && *status == kOk && ::fsync(fd.get()) == 0 &&
                     ::rename(temp.c_str(), file.c_str()) == 0;
  if (!fresh) ::unlink(temp.c_str());
  if (fresh) {
    TRELLIS_CHECK(WriteFile(file + ".json", json::Dump(Note{url, transfer.etag}), 0600));
    return file;
  }
  if (kept && ((!status && status.error().code == Code::kUnavailable) ||
               (status && *status == kNotModified)))
    return file;
  TRELLIS_CHECK(status);
  if (*status == 404 || *status == 410) return Fail(Code::kNotFound, "'{}' does not exist", url);
  if (*status == kOk) return Fail(Code::kIo, "cannot store '{}'", url);
  return Fail(Code::kUnavailable, "cannot fetch '{}': the server answered {}", url, *status);
}

}  // namespace trellis::plugins::flist
