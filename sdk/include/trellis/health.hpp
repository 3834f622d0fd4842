// What a plugin's health, and its providers of `health`, say of one thing.
#pragma once

#include <boost/describe.hpp>

#include <string>

namespace trellis {

/// `{"checks":[…]}` is the whole answer; beside the checks a plugin may say more.
struct HealthCheck {
  std::string name;
  bool ok = true;
  std::string message;  ///< what is wrong, or how it is
};
BOOST_DESCRIBE_STRUCT(HealthCheck, (), (name, ok, message))

}  // namespace trellis
