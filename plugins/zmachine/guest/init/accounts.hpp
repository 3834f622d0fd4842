// Users of an image, from the text of its passwd and group files.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string_view>

namespace trellis::guest {

struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
};

/// `user`, `uid`, each optionally with `:group` or `:gid`; a number need not be in the files.
std::optional<Account> FindAccount(std::string_view text, std::string_view passwd,
                                   std::string_view group);

}  // namespace trellis::guest
