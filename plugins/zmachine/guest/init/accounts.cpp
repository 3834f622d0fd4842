#include "plugins/zmachine/guest/init/accounts.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace trellis::guest {
namespace {

std::optional<unsigned> Number(std::string_view text) {
  unsigned value = 0;
  auto const end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc{} || end.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view Field(std::string_view line, std::size_t index) {
  for (; index > 0; --index)
    line.remove_prefix(std::min(line.find(':') + 1, line.size()));
  return line.substr(0, line.find(':'));
}

/// The line whose field `index` is `value`; "" when there is none.
std::string_view FindLine(std::string_view file, std::size_t index, std::string_view value) {
  while (!file.empty()) {
    auto const end = std::min(file.find('\n'), file.size());
    auto const line = file.substr(0, end);
    if (Field(line, index) == value) return line;
    file.remove_prefix(std::min(end + 1, file.size()));
  }
  return {};
}

}  // namespace

std::optional<Account> FindAccount(std::string_view text, std::string_view passwd,
                                   std::string_view group) {
  auto const user = Field(text, 0);
  auto const wanted_group = Field(text, 1);
  auto const number = Number(user);
  auto const line = FindLine(passwd, number ? 2 : 0, user);
  auto const uid = number ? number : Number(Field(line, 2));
  if (!uid || user.empty()) return std::nullopt;
  Account account{*uid, Number(Field(line, 3)).value_or(0)};
  if (text.find(':') == std::string_view::npos) return account;
  auto gid = Number(wanted_group);
  if (!gid) gid = Number(Field(FindLine(group, 0, wanted_group), 2));
  if (!gid) return std::nullopt;
  account.gid = *gid;
  return account;
}

}  // namespace trellis::guest
