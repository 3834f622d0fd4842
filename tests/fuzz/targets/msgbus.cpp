// Commands of local programs to the list front-end, and the messages in its lists. Without sockets:
// questions are refused, services answer nothing.
#include "kernel/rmb/frontend/broker.hpp"
#include "kernel/rmb/frontend/commands.hpp"
#include "kernel/rmb/resp.hpp"
#include "tests/fuzz/target.hpp"

namespace trellis::fuzz::msgbus {

void Run(std::string_view input);

namespace {

rmb::ListLimits Limits() {
  rmb::ListLimits limits;
  limits.bytes = std::size_t{64} << 10U;
  limits.keys = 16;
  limits.length = 8;
  return limits;
}

}  // namespace

void Run(std::string_view input) {
  SystemClock const clock;
  rmb::Lists lists(Limits());
  auto const refuse = [](rmb::Question const&, std::function<void(rmb::CallResult)> const& done) {
    done(tl::unexpected<rmb::CallFailure>(rmb::CallFailure{}));
  };
  rmb::Broker broker(lists, clock, refuse, [](std::string const&) {});
  rmb::Commands commands(
      lists, clock,
      {[&](std::string_view list, std::string const& text) { broker.Take(list, text); },
       [](std::string const&) {}, [](std::string_view) {}});
  rmb::RespReader reader(rmb::RespLimits{std::size_t{1} << 20U, 1024, 8});
  reader.Add(input);
  while (true) {
    auto words = reader.NextCommand();
    if (!words || !words->has_value()) return;
    (void)commands.Run(**words);
    Require(lists.bytes() <= Limits().bytes, "the lists hold no more than their limit");
  }
}

}  // namespace trellis::fuzz::msgbus
