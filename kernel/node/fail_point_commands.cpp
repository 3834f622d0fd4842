#include "kernel/node/fail_point_commands.hpp"

#ifdef TRELLIS_FAIL_POINTS

#include "kernel/base/fail_point.hpp"

#include <trellis/json.hpp>

#include <optional>
#include <string>

namespace trellis::node {
namespace {

struct Argument {
  std::optional<std::string> arm;
  std::string wait;
  std::uint32_t ms = 10'000;
};
BOOST_DESCRIBE_STRUCT(Argument, (), (arm, wait, ms))

engine::Answer Run(api::Caller const&, std::string_view payload) {
  auto const argument = json::Parse<Argument>(payload);
  if (!argument) return api::ToAnswer(tl::unexpected<Error>(argument.error()));
  if (argument->arm.has_value()) {
    auto const armed = fail_point::Arm(*argument->arm);
    return armed ? engine::Answer("null") : api::ToAnswer(tl::unexpected<Error>(armed.error()));
  }
  if (!argument->wait.empty()) {
    bool const paused =
        fail_point::WaitPaused(argument->wait, std::chrono::milliseconds(argument->ms));
    return paused ? "true" : "false";
  }
  return json::Dump(fail_point::Count());
}

}  // namespace

void AddFailPointCommand(api::Router& router) {
  router.Add("local.fail_point", api::Auth::kLocal, Run);
}

}  // namespace trellis::node

#endif
