// The JSON messages of the local lists. Member names are those of the programs that use them.
#pragma once

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <boost/describe.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::rmb::lists {

struct ErrorBody {
  std::uint32_t code = 0;
  std::string message;
};
BOOST_DESCRIBE_STRUCT(ErrorBody, (), (code, message))

/// From a program to other twins.
struct RequestOut {
  std::uint32_t ver = 1;
  std::optional<std::string> ref;  ///< the program's own word for it
  std::string cmd;
  std::uint64_t exp = 0;  ///< seconds
  std::string dat;        ///< base64
  std::optional<std::string> tag;
  std::vector<std::uint32_t> dst;
  std::string ret;  ///< the list for the answers
  std::optional<std::string> shm;
  std::uint64_t now = 0;  ///< unix seconds when it was made
};
BOOST_DESCRIBE_STRUCT(RequestOut, (), (ver, ref, cmd, exp, dat, tag, dst, ret, shm, now))

/// The answer of another twin, to a program.
struct ResponseIn {
  std::uint32_t ver = 1;
  std::optional<std::string> ref;
  std::string dat;
  std::string src;
  std::optional<std::string> shm;
  std::uint64_t now = 0;
  std::optional<ErrorBody> err;
};
BOOST_DESCRIBE_STRUCT(ResponseIn, (), (ver, ref, dat, src, shm, now, err))

/// From another twin to a service.
struct RequestIn {
  std::uint32_t ver = 1;
  std::string ref;  ///< uid of the envelope
  std::string src;  ///< `twin` or `twin:connection`
  std::string cmd;
  std::uint64_t exp = 0;
  std::string dat;
  std::optional<std::string> tag;
  std::string ret;
  std::optional<std::string> shm;
  std::uint64_t now = 0;
};
BOOST_DESCRIBE_STRUCT(RequestIn, (), (ver, ref, src, cmd, exp, dat, tag, ret, shm, now))

/// The answer of a service.
struct ResponseOut {
  std::uint32_t ver = 1;
  std::string ref;
  std::string dat;
  std::string dst;  ///< the `src` of the request
  std::optional<std::string> shm;
  std::uint64_t now = 0;
  std::optional<ErrorBody> err;
};
BOOST_DESCRIBE_STRUCT(ResponseOut, (), (ver, ref, dat, dst, shm, now, err))

/// Standard alphabet, with padding.
[[nodiscard]] std::string ToBase64(std::string_view bytes);
/// kDecode. Padding may be missing.
Result<std::string> FromBase64(std::string_view text);

}  // namespace trellis::rmb::lists
