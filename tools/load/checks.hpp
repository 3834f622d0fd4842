// After the timed part: were the answers real, and is what was deployed really there?
#pragma once

#include "tools/load/driver.hpp"
#include "tools/load/report.hpp"
#include "tools/load/requests.hpp"

namespace trellis::load {

/// Checks the node's signature under the kept answers.
void CheckAnswers(std::vector<std::string> const& answers, crypto::PublicKey const& node,
                  Findings& findings);

/// Asks for some of the deployments that were accepted whether every workload is ok.
Result<void> Confirm(Driver& driver, Workbook& workbook, Findings& findings);

}  // namespace trellis::load
