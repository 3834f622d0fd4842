// flist pack|convert|ls|mount|serve: images. The work is done by the programs that know them.
#include "tools/cli/app.hpp"
#include "tools/cli/programs.hpp"

#include <memory>
#include <vector>

namespace trellis::cli {
namespace {

namespace fs = std::filesystem;

struct FlistFlags {
  std::string source;
  std::string output;
  std::string target;
  std::string cache;
  std::string listen;
  std::vector<std::string> stores;
  std::vector<std::string> sources;
};

Result<void> Tool(App const& app, std::string const& command, FlistFlags const& flags) {
  std::vector<std::string> words;
  auto const add = [&](char const* name, std::string const& value) {
    if (value.empty()) return;
    words.emplace_back(name);
    words.push_back(value);
  };
  if (app.json) words.emplace_back("--json");
  words.push_back(command);
  add("--output", flags.output);
  add("--listen", flags.listen);
  for (auto const& store : flags.stores)
    add("--store", store);
  for (auto const& source : flags.sources)
    add("--from", source);
  add("--", flags.source);
  return Become("trellis-flist", std::move(words));
}

// What somebody mounts by hand may use whatever that person may.
Result<void> Mount(FlistFlags const& flags) {
  return Become("trellis-flistfs", {"--image", fs::absolute(flags.source).string(), "--target",
                                    fs::absolute(flags.target).string(), "--cache",
                                    fs::absolute(flags.cache).string(), "--allow", "/"});
}

}  // namespace

void AddFlistCommands(CLI::App& root, App& app) {
  auto flags = std::make_shared<FlistFlags>();
  auto* const flist = root.add_subcommand("flist", "images of machines")->require_subcommand(1);
  auto* const pack = flist->add_subcommand("pack", "make a .fl image of a directory");
  pack->add_option("directory", flags->source, "the root of the image")->required();
  auto* const convert = flist->add_subcommand(
      "convert", "make a .fl image, or without --store a directory, of a tar, OCI or docker image");
  convert->add_option("image", flags->source, "what to convert")->required();
  for (auto* const command : {pack, convert}) {
    command->add_option("-o,--output", flags->output, "what to write")->required();
    auto* const store = command->add_option("--store", flags->stores,
                                            "where blocks go: a directory, dir:// or zdb:// url; "
                                            "aa-bb=URL for a range; may be repeated");
    if (command == pack) store->required();
    command
        ->add_option("--from", flags->sources,
                     "where nodes get the blocks, when not where they go; may be repeated")
        ->needs(store);
    app.On(command, [&app, flags, name = command->get_name()] { return Tool(app, name, *flags); });
  }
  auto* const list = flist->add_subcommand("ls", "what is in a .fl image");
  list->add_option("image", flags->source, "the .fl file")->required();
  app.On(list, [&app, flags] { return Tool(app, "ls", *flags); });
  auto* const mount = flist->add_subcommand("mount", "show a .fl image until interrupted (root)");
  mount->add_option("image", flags->source, "the .fl file")->required();
  mount->add_option("directory", flags->target, "where")->required();
  mount->add_option("--cache", flags->cache, "directory of fetched blocks")
      ->default_val("/var/cache/trellis-flist");
  app.On(mount, [flags] { return Mount(*flags); });
  auto* const serve = flist->add_subcommand("serve", "offer a directory of images over HTTP");
  serve->add_option("directory", flags->source, "the images")->required();
  serve->add_option("--listen", flags->listen, "<ip>:<port>, port 0 = any free one")->required();
  app.On(serve, [&app, flags] { return Tool(app, "serve", *flags); });
}

}  // namespace trellis::cli
