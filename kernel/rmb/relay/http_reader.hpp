// HTTP/1.1 requests out of bytes as they come, and answers as bytes. No I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace trellis::rmb {

struct HttpRequest {
  bool is_get = false;
  bool is_post = false;
  bool keep_alive = false;
  bool is_upgrade = false;  ///< to a websocket of version 13
  std::string key;          ///< Sec-WebSocket-Key of an upgrade
  std::string target;
  std::string body;
};

/// Not thread-safe.
class HttpReader {
 public:
  enum class State : std::uint8_t {
    kMore,      ///< not complete
    kDone,      ///< Take() has the request
    kContinue,  ///< not complete, and the client waits for a "100 Continue"
    kTooBig,
    kBad
  };

  explicit HttpReader(std::size_t max_body);
  ~HttpReader();
  HttpReader(HttpReader const&) = delete;
  HttpReader& operator=(HttpReader const&) = delete;

  /// Adds bytes and says how far that came. Also with none, after Take.
  State Feed(std::string_view bytes);
  /// The complete request; the next Feed begins another.
  HttpRequest Take();
  /// What came after the last request. Empties it.
  [[nodiscard]] std::string TakeRest();
  [[nodiscard]] std::size_t held_bytes() const;
  /// A request has begun.
  [[nodiscard]] bool started() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// What every answer says beside its text. Clients set their tokens by the date.
struct HttpHead {
  unsigned status = 0;
  bool keep_alive = false;
  std::int64_t now = 0;  ///< unix seconds
  std::string_view content_type = "text/plain";
};
/// A whole answer with a text body.
[[nodiscard]] std::string HttpResponse(HttpHead const& head, std::string_view body);
/// The answer that turns the connection into a websocket.
[[nodiscard]] std::string UpgradeResponse(std::string_view key, std::int64_t now);
/// The `Date` of an answer sent at this time.
[[nodiscard]] std::string HttpDate(std::int64_t unix_seconds);

}  // namespace trellis::rmb
