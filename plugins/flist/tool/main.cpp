// trellis-flist: makes, lists and serves images. People call it as `trellis flist`.
#include "plugins/flist/tool/convert.hpp"
#include "plugins/flist/tool/file_server.hpp"
#include "plugins/flist/tool/list.hpp"
#include "plugins/flist/tool/program_call.hpp"

#include <sys/signalfd.h>

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <filesystem>

namespace {

using namespace trellis::plugins;         // NOLINT: the program is one function of it
using namespace trellis::plugins::flist;  // NOLINT
using trellis::Result;
namespace json = trellis::json;

struct Flags {
  bool json = false;
  std::string source;
  std::string output;
  std::string listen;
  std::vector<std::string> stores;
  std::vector<std::string> sources;
};

// Blocks are found by their absolute path, wherever the image is mounted.
std::string StoreUrl(std::string const& text) {
  bool const path = text.find("://") == std::string::npos;
  return path ? "dir://" + std::filesystem::absolute(text).lexically_normal().string() : text;
}

Result<std::vector<Route>> RoutesOf(std::vector<std::string> const& stores) {
  std::vector<Route> routes;
  routes.reserve(stores.size());
  for (auto const& text : stores) {
    TRELLIS_TRY(auto route, ParseRoute(text));
    route.url = StoreUrl(route.url);
    routes.push_back(std::move(route));
  }
  return routes;
}

void Show(Flags const& flags, PackSummary const& summary) {
  if (flags.json) {
    fmt::print("{}\n", json::Dump(summary));
  } else if (summary.entries == 0) {
    fmt::print("{}\n", flags.output);
  } else {
    fmt::print("{}: {} entries, {} bytes in {} files, {} different blocks of {} bytes together\n",
               flags.output, summary.entries, summary.bytes, summary.files, summary.blocks,
               summary.stored);
  }
}

Result<void> RunPack(Flags const& flags) {
  TRELLIS_TRY(auto const routes, RoutesOf(flags.stores));
  TRELLIS_TRY(auto const sources, RoutesOf(flags.sources));
  TRELLIS_TRY(auto const summary, Pack({flags.source, flags.output, routes, {}, sources}));
  Show(flags, summary);
  return {};
}

Result<void> RunConvert(Flags const& flags) {
  TRELLIS_TRY(auto routes, RoutesOf(flags.stores));
  TRELLIS_TRY(auto sources, RoutesOf(flags.sources));
  auto const output = std::filesystem::absolute(flags.output).lexically_normal();
  ProgramCall call;
  TRELLIS_TRY(auto const summary,
              Convert(*call, {flags.source, output.string(), std::move(routes),
                              output.parent_path().string(), std::move(sources)}));
  Show(flags, summary);
  return {};
}

Result<void> RunList(Flags const& flags) {
  auto const opened = FlFile::Open(flags.source);
  if (!opened)
    return tl::unexpected<trellis::Error>(
        trellis::Error(opened.error()).With("'{}'", flags.source));
  auto const& image = *opened;
  TRELLIS_TRY(auto const routes, image->Routes());
  if (flags.json) {
    std::vector<ListedEntry> entries;
    TRELLIS_CHECK(ListImage(*image, [&](ListedEntry const& entry) { entries.push_back(entry); }));
    fmt::print("{}\n", json::Dump(entries));
    return {};
  }
  for (auto const& route : routes)
    fmt::print("blocks {:02x}-{:02x} {}\n", route.first, route.last, WithoutPassword(route.url));
  return ListImage(*image, [](ListedEntry const& entry) {
    fmt::print("{:<9} {} {:>5} {:>5} {:>12} {}{}{}\n", entry.kind, entry.mode, entry.uid, entry.gid,
               entry.size, entry.path, entry.target.empty() ? "" : " -> ", entry.target);
  });
}

Result<void> RunServe(Flags const& flags) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  (void)::sigprocmask(SIG_BLOCK, &signals, nullptr);  // threads inherit it
  UniqueFd const ended(::signalfd(-1, &signals, SFD_CLOEXEC));
  TRELLIS_TRY(auto const server, FileServer::Open(flags.source, flags.listen));
  fmt::print("serving '{}' at {}/\n", flags.source, server->url());
  std::fflush(stdout);
  return server->Run(ended.get());
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  Result<void> (*chosen)(Flags const&) = nullptr;
  CLI::App root("trellis-flist: makes, lists and serves images");
  root.require_subcommand(1);
  root.add_flag("--json", flags.json);
  auto const add = [&](char const* name, Result<void> (*run)(Flags const&)) {
    auto* const command = root.add_subcommand(name);
    command->add_option("source", flags.source)->required();
    command->callback([&chosen, run] { chosen = run; });
    return command;
  };
  for (auto* const command : {add("pack", &RunPack), add("convert", &RunConvert)}) {
    command->add_option("-o,--output", flags.output)->required();
    command->add_option("--store", flags.stores);
    command->add_option("--from", flags.sources);
  }
  add("ls", &RunList);
  add("serve", &RunServe)->add_option("--listen", flags.listen)->required();
  CLI11_PARSE(root, argc, argv);
  (void)std::signal(SIGPIPE, SIG_IGN);
  auto const done = chosen(flags);
  if (done) return 0;
  fmt::print(stderr, "trellis: {}\n", done.error().message);
  return 1;
}
