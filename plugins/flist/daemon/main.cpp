// trellis-flistfs: one rfs image as a read-only file system. Started by the flist plugin, or by
// `trellis flist mount`.
#include "plugins/flist/daemon/flist_fs.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace trellis::plugins;         // NOLINT: the program is one function of it
using namespace trellis::plugins::flist;  // NOLINT

struct Flags {
  std::string image;
  std::string cache;
  StoreRules rules;
  ServeOptions serve;
};

trellis::Result<void> Run(Flags const& flags) {
  auto files = ImageFiles::Open(flags.image, flags.cache, flags.rules);
  if (!files)
    return tl::unexpected<trellis::Error>(std::move(files.error()).With("'{}'", flags.image));
  TRELLIS_CHECK(MakeDirs(flags.cache, 0700));
  return ServeImage(*std::move(files), flags.serve);
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App root("trellis-flistfs: shows an rfs image read-only");
  root.add_option("--image", flags.image, "the .fl file")->required();
  root.add_option("--target", flags.serve.target, "directory to mount it on")->required();
  root.add_option("--cache", flags.cache, "directory of fetched blocks, may be shared")->required();
  root.add_option("--allow", flags.rules.roots,
                  "where the image's stores may be directories or sockets; may be repeated");
  root.add_flag("--confine", flags.serve.confine,
                "give up all rights once mounted; whoever started it unmounts");
  CLI11_PARSE(root, argc, argv);
  (void)std::signal(SIGPIPE, SIG_IGN);
  auto const done = Run(flags);
  if (!done) fmt::print(stderr, "trellis-flistfs: {}\n", done.error().message);
  std::fflush(stderr);
  // Nothing is left to be cleaned up, and threads may be waiting for a store.
  std::_Exit(done ? 0 : 1);
}
