// The command line tool on a sample of the deployments, where there is no node to ask.
#include "kernel/sys/files.hpp"
#include "kernel/sys/process.hpp"
#include "tests/golden/types.hpp"
#include "tests/golden/vectors.hpp"
#include "tests/support/patience.hpp"
#include "tests/support/temp_dir.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace trellis::golden {
namespace {

constexpr std::size_t kSample = 5;

struct Answer {
  int code = -1;
  Row json;
};

// `trellis deployment <verb>` on a document, in a folder without a grid.
class Cli {
 public:
  Answer Run(std::string const& verb, std::string const& document) {
    EXPECT_TRUE(sys::WriteFileAtomic(folder_ / "document.json", document));
    auto const out = sys::OpenFile(folder_ / "out", O_RDWR | O_CREAT | O_TRUNC).value();
    sys::SpawnOptions options;
    options.argv = {TRELLIS_BUILD_DIR "/bin/trellis",
                    "--dir",
                    (folder_ / "no-grid").string(),
                    "--json",
                    "deployment",
                    verb,
                    (folder_ / "document.json").string()};
    options.fds = {{out.get(), 1}};
    auto const ended = sys::ChildProcess::Spawn(options).value().Wait(testing::kPatience).value();
    boost::json::error_code error;
    Answer answer;
    answer.code = ended.code;
    answer.json = boost::json::parse(sys::ReadFile(folder_ / "out").value(), error);
    EXPECT_FALSE(error) << "no JSON on standard output";
    return answer;
  }

 private:
  testing::TempDir folder_;
};

void CheckValid(Row const& row, Cli& cli) {
  auto const document = Text(row, "deployment");
  EXPECT_TRUE(Flag(cli.Run("validate", document).json, "valid"));
  EXPECT_EQ(Text(cli.Run("hash", document).json, "hash"), Text(row, "hash"));
  EXPECT_EQ(Text(cli.Run("challenge", document).json, "challenge"), Text(row, "challenge_text"));
}

void CheckRefused(Row const& row, Cli& cli) {
  for (auto const* verb : {"validate", "hash"}) {
    auto const answer = cli.Run(verb, Text(row, "deployment"));
    EXPECT_EQ(answer.code, 1);
    EXPECT_EQ(Text(Member(answer.json, "error"), "reason"), Text(row, "valid_reason"));
  }
}

TEST(CommandLine, HashesAndRefusesAsPublished) {
  std::vector<Row> rows;
  for (auto const& row : Rows("deployments.json", "vectors")) {
    if (!Member(row, "extra_types").is_array()) rows.push_back(row);
  }
  auto const step = std::max<std::size_t>(rows.size() / kSample, 1);
  Cli cli;
  for (std::size_t i = 0; i < rows.size(); i += step) {
    SCOPED_TRACE(Text(rows[i], "name"));
    Flag(rows[i], "valid") ? CheckValid(rows[i], cli) : CheckRefused(rows[i], cli);
  }
}

}  // namespace
}  // namespace trellis::golden
