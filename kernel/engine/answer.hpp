// What calls to the engine answer.
#pragma once

#include <trellis/capacity.hpp>

#include <tl/expected.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace trellis::engine {

/// What a client's refused call answers: a wire code (400, 401, 404, 409, 429, 500, 503), the
/// sentence, the reason code.
struct Refusal {
  int code = 500;
  std::string message;
  std::string reason;
};

/// Success, or why not.
using Answer = tl::expected<std::string, Refusal>;

/// Carries on with work, on another thread, that must not hold up the one it comes from.
using Resume = std::function<void(std::function<void()>)>;
/// Told the answer, once.
using AnswerCallback = std::function<void(Answer)>;

/// What `zos.statistics.get` shows.
struct Statistics {
  Capacity total;
  Capacity used;
  Capacity system;
  std::int64_t deployments = 0;
  std::int64_t workloads = 0;
  std::int64_t last_deployment = 0;
};

/// One thing an operator looks at.
struct Check {
  std::string name;
  bool ok = true;
  std::string message;  ///< when not ok: what is wrong
};

/// Examined without being stored (`local.examine`).
struct Examination {
  std::string challenge;
  std::string hash;  ///< hex
  Capacity capacity;
};

}  // namespace trellis::engine
