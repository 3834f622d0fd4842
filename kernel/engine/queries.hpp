// Read-only answers from the store.
#pragma once

#include "kernel/engine/answer.hpp"
#include "kernel/engine/context.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::engine {

class Queries {
 public:
  explicit Queries(Context const& context) : context_(context) {}

  Answer Get(store::DeploymentKey key);
  Answer List(std::uint32_t twin);
  Answer Changes(store::DeploymentKey key);
  Result<Statistics> Count();

 private:
  Context const& context_;
};

/// Why a workload of the type stays as it is.
[[nodiscard]] std::string NotLoaded(std::string_view type);

/// An internal error as clients see it: no details, 503 when trying again may help.
[[nodiscard]] tl::unexpected<Refusal> Trouble(Error const& error);

}  // namespace trellis::engine
