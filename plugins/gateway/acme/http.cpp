#include "plugins/gateway/acme/http.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace trellis::plugins::gateway {

namespace {

constexpr long kConnectSeconds = 10;
constexpr long kTotalSeconds = 30;
constexpr std::size_t kMaxBody = std::size_t{1} << 20;

std::size_t TakeBody(char* data, std::size_t one, std::size_t count, void* answer) {
  auto& body = static_cast<HttpAnswer*>(answer)->body;
  if (body.size() + one * count > kMaxBody) return 0;
  body.append(data, one * count);
  return one * count;
}

/// A date instead of a number counts as nothing.
std::chrono::seconds Seconds(std::string_view text) {
  std::uint32_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return std::chrono::seconds(number);
}

std::size_t TakeHeader(char* data, std::size_t one, std::size_t count, void* raw) {
  auto& answer = *static_cast<HttpAnswer*>(raw);
  std::string_view const line(data, one * count);
  auto const colon = line.find(':');
  if (colon == std::string_view::npos) return one * count;
  std::string key(line.substr(0, colon));
  std::transform(key.begin(), key.end(), key.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  auto value = line.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  value = value.substr(0, value.find_first_of("\r\n"));
  if (key == "location") answer.location = value;
  if (key == "replay-nonce") answer.nonce = value;
  if (key == "retry-after") answer.retry_after = Seconds(value);
  return one * count;
}

int IsStopped(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return *static_cast<std::atomic<bool> const*>(stop) ? 1 : 0;
}

}  // namespace

struct HttpsClient::Handle {
  CURL* curl = curl_easy_init();
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/jose+json");
  Handle() = default;
  ~Handle() {
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
  }
  Handle(Handle const&) = delete;
  Handle& operator=(Handle const&) = delete;
};

HttpsClient::HttpsClient(std::string ca_file, std::atomic<bool> const& stop)
    : handle_(std::make_unique<Handle>()), ca_file_(std::move(ca_file)), stop_(stop) {}
HttpsClient::~HttpsClient() = default;

Result<HttpAnswer> HttpsClient::Get(std::string const& url) {
  return Run(url, nullptr);
}
Result<HttpAnswer> HttpsClient::Post(std::string const& url, std::string const& body) {
  return Run(url, &body);
}

Result<HttpAnswer> HttpsClient::Run(std::string const& url, std::string const* body) {
  auto* const curl = handle_->curl;
  if (curl == nullptr) return Fail(Code::kInternal, "curl cannot be set up");
  HttpAnswer answer;
  curl_easy_reset(curl);  // connections stay
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, kTotalSeconds);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "trellis-gateway");
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &TakeBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &TakeHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &IsStopped);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &stop_);
  if (!ca_file_.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file_.c_str());
  if (body != nullptr) {
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, handle_->headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(body->size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->data());
  }
  auto const done = curl_easy_perform(curl);
  if (done != CURLE_OK)
    return Fail(Code::kUnavailable, "'{}' does not answer: {}", url, curl_easy_strerror(done));
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
  return answer;
}

}  // namespace trellis::plugins::gateway
