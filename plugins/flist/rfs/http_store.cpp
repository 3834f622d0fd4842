// Blocks of a web server: `<base>/<first two digits>/<id>`, or `<base>/<id>`.
#include "plugins/flist/rfs/store.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <mutex>

namespace trellis::plugins::flist {

namespace {

constexpr long kRedirects = 5;
constexpr long kConnectSeconds = 5;
constexpr long kTotalSeconds = 30;
constexpr std::size_t kMaxIdle = 20;
constexpr long kOk = 200;
constexpr long kMissing = 404;

struct CloseCurl {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};
using Curl = std::unique_ptr<CURL, CloseCurl>;

std::size_t OnBody(char* data, std::size_t, std::size_t size, void* self) noexcept {
  auto& body = *static_cast<std::string*>(self);
  if (size > kMaxSealedBytes - body.size()) return 0;
  body.append(data, size);
  return size;
}

class HttpStore final : public BlockStore {
 public:
  explicit HttpStore(std::string base) : base_(std::move(base)) {}

  Result<std::string> Get(Digest const& id) override {
    auto const name = HexOf(id);
    long trouble = 0;
    for (auto const& file : {name.substr(0, 2) + "/" + name, name}) {
      std::string body;
      TRELLIS_TRY(long const status, Fetch(base_ + "/" + file, body));
      if (status == kOk) return body;
      // Some servers refuse what they do not have: the other place counts all the same.
      if (status != kMissing) trouble = status;
    }
    if (trouble != 0)
      return Fail(Code::kUnavailable, "'{}' answered {}", WithoutPassword(base_), trouble);
    return Fail(Code::kNotFound, "'{}' has no block '{}'", WithoutPassword(base_), name);
  }

  Result<void> Put(Digest const&, std::string_view) override {
    return Fail(Code::kUnsupported, "'{}' takes no blocks: write them to a directory and serve it",
                WithoutPassword(base_));
  }

 private:
  // A handle keeps its connection, so that the next block needs no new one.
  Result<Curl> Take() {
    {
      std::lock_guard const lock(mutex_);
      if (!idle_.empty()) {
        auto curl = std::move(idle_.back());
        idle_.pop_back();
        return curl;
      }
    }
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    Curl curl(curl_easy_init());
    if (!curl) return Fail(Code::kExhausted, "out of memory");
    curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl.get(), CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl.get(), CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_MAXREDIRS, kRedirects);
    curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, kTotalSeconds);
    curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &OnBody);
    return curl;
  }

  Result<long> Fetch(std::string const& url, std::string& body) {
    TRELLIS_TRY(auto curl, Take());
    curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &body);
    CURLcode const done = curl_easy_perform(curl.get());
    if (done == CURLE_WRITE_ERROR)
      return Fail(Code::kDecode, "'{}' answered more than a block", WithoutPassword(base_));
    if (done != CURLE_OK)
      return Fail(Code::kUnavailable, "'{}': {}", WithoutPassword(base_), curl_easy_strerror(done));
    long status = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
    std::lock_guard const lock(mutex_);
    if (idle_.size() < kMaxIdle) idle_.push_back(std::move(curl));
    return status;
  }

  std::string base_;
  std::mutex mutex_;  // guards idle_
  std::vector<Curl> idle_;
};

}  // namespace

std::unique_ptr<BlockStore> MakeHttpStore(std::string base) {
  return std::make_unique<HttpStore>(std::move(base));
}

}  // namespace trellis::plugins::flist
