#include "tools/load/settle_watch.hpp"

#include "tools/load/probe.hpp"

#include <charconv>

namespace trellis::load {

SettleWatch::SettleWatch(boost::asio::io_context& io, Control control)
    : control_(std::move(control)), readable_(io, control_.fd()) {}

SettleWatch::~SettleWatch() {
  (void)readable_.release();  // the control closes it
}

Result<std::unique_ptr<SettleWatch>> SettleWatch::Start(boost::asio::io_context& io,
                                                        std::filesystem::path const& socket,
                                                        std::uint32_t twin) {
  TRELLIS_TRY(auto control, Control::Connect(socket));
  TRELLIS_CHECK(control.Watch(twin));
  std::unique_ptr<SettleWatch> watch(new SettleWatch(io, std::move(control)));
  watch->Wait();
  return watch;
}

void SettleWatch::Wait() {
  readable_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                       [this](boost::system::error_code error) {
                         if (error) return;
                         if (control_.TakeLines([this](std::string_view line) { Take(line); }))
                           Wait();
                       });
}

void SettleWatch::Take(std::string_view line) {
  constexpr std::string_view kContract = R"("contract":)";
  auto const at = line.find(kContract);
  if (at == std::string_view::npos || line.find(R"("state":"settled")") == std::string_view::npos)
    return;
  std::uint64_t contract = 0;
  std::from_chars(line.data() + at + kContract.size(), line.data() + line.size(), contract);
  settled_[contract] = NowUs();
}

double SettleWatch::SettledAt(std::uint64_t contract) const {
  auto const found = settled_.find(contract);
  return found == settled_.end() ? 0 : found->second;
}

}  // namespace trellis::load
