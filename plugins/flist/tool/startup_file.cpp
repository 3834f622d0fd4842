#include "plugins/flist/tool/startup_file.hpp"

#include "plugins/common/posix/files.hpp"

#include <fcntl.h>
#include <fmt/ranges.h>

namespace trellis::plugins::flist {

namespace {

constexpr unsigned kMode = 0644;

// Control characters cannot stand in a TOML text as they are.
std::string Toml(std::string_view text) {
  std::string out = "\"";
  for (char const c : text) {
    auto const byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out += '\\', out += c;
    else if (byte < ' ' || byte == 0x7f)
      out += fmt::format("\\u{:04x}", byte);
    else
      out += c;
  }
  return out + "\"";
}

std::string TextOf(ImageConfig const& config, std::vector<std::string> const& words) {
  std::vector<std::string> args;
  args.reserve(words.size());
  for (std::size_t i = 1; i < words.size(); ++i)
    args.push_back(Toml(words[i]));
  auto text = fmt::format(
      "[startup.entry]\nname = \"core.system\"\n\n[startup.entry.args]\nname = {}\nargs = [{}]\n",
      Toml(words.front()), fmt::join(args, ", "));
  if (!config.cwd.empty()) text += fmt::format("dir = {}\n", Toml(config.cwd));
  if (!config.env.empty()) text += "\n[startup.entry.args.env]\n";
  for (auto const& [key, value] : config.env)
    text += fmt::format("{} = {}\n", Toml(key), Toml(value));
  return text;
}

}  // namespace

std::vector<std::string> QuotedWords(std::string_view line) {
  std::vector<std::string> words;
  bool inside = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') {
      inside = !inside;
      if (inside) words.emplace_back();
      continue;
    }
    if (!inside) continue;
    if (line[i] == '\\' && i + 1 < line.size()) ++i;
    words.back() += line[i];
  }
  return words;
}

Result<void> WriteStartupFile(std::string const& root, ImageConfig const& config) {
  auto const words = config.entrypoint.starts_with('"')
                         ? QuotedWords(config.entrypoint)
                         : std::vector<std::string>(!config.entrypoint.empty(), config.entrypoint);
  if (words.empty()) return {};
  auto const file = root + "/.startup.toml";
  // Exclusive: neither a file of the image nor a link of it is written to.
  auto const fd = OpenFile(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, kMode);
  if (!fd && errno == EEXIST) return {};
  if (!fd) return tl::unexpected<Error>(fd.error());
  return WriteAll(fd->get(), TextOf(config, words), file);
}

}  // namespace trellis::plugins::flist
