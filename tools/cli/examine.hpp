// What the workload types say of a document.
#pragma once

#include "kernel/grid/deployment.hpp"
#include "tools/cli/app.hpp"

#include <trellis/capacity.hpp>
#include <trellis/result.hpp>

#include <string>

namespace trellis::cli {

struct Examination {
  std::string challenge;
  std::string hash;  ///< 32 lower-case hex digits
  Capacity capacity;
};
BOOST_DESCRIBE_STRUCT(Examination, (), (challenge, hash, capacity))

/// Asks the running node of the grid in `app.dir`; without one, the plugins of this installation.
/// kInvalid `[reason] sentence` names the workload.
Result<Examination> ExamineDocument(App const& app, grid::Deployment const& deployment);

}  // namespace trellis::cli
