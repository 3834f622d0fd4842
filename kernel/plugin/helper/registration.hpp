// What a plugin registers, as JSON between helper and daemon.
#pragma once

#include <trellis/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace trellis::plugin {

struct TypeRegistration {
  std::string name;
  bool sharable = false;
  bool updatable = false;
  bool has_precheck = false;
  bool pausable = false;
  std::uint32_t rank = 5000;
  std::uint32_t max_parallel = 4;
  std::vector<std::string> after;
};
BOOST_DESCRIBE_STRUCT(TypeRegistration, (),
                      (name, sharable, updatable, has_precheck, pausable, rank, max_parallel,
                       after))

struct CommandRegistration {
  std::string name;
  std::int32_t auth = 0;
  std::uint32_t flags = 0;
  std::uint32_t max_payload = 0;
  std::uint32_t timeout_ms = 0;
  std::uint32_t max_parallel = 0;
  std::vector<std::string> aliases;
};
BOOST_DESCRIBE_STRUCT(CommandRegistration, (),
                      (name, auth, flags, max_payload, timeout_ms, max_parallel, aliases))

struct ProviderRegistration {
  std::string kind;
  std::string name;
  std::string options;
};
BOOST_DESCRIBE_STRUCT(ProviderRegistration, (), (kind, name, options))

}  // namespace trellis::plugin
