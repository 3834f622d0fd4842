// The workloads of a deployment as they lie in the store. Input: two bytes, the size of what is
// wanted; that; the status.
#include "kernel/store/workload_body.hpp"

#include "kernel/store/workload_format1.hpp"
#include "tests/fuzz/target.hpp"

#include <vector>

namespace trellis::fuzz::workload_body {
namespace {

constexpr std::size_t kSize = 2;
constexpr unsigned kBits = 8;

store::Body BodyIn(std::string_view input) {
  if (input.size() < kSize) return {};
  std::size_t const size = static_cast<unsigned char>(input[0]) |
                           static_cast<unsigned>(static_cast<unsigned char>(input[1])) << kBits;
  auto const rest = input.substr(kSize);
  auto const wanted = rest.substr(0, size);
  return {wanted, rest.substr(wanted.size())};
}

/// False: damaged.
bool Read(store::BodyReader& reader, std::vector<store::WorkloadView>& views) {
  store::WorkloadView view;
  for (;;) {
    auto const more = reader.Next(view);
    if (!more) return false;
    if (!*more) return true;
    views.push_back(view);
  }
}

/// What can be read is written so that it reads the same, and never longer.
void WriteAgain(store::Body const& body, store::BodyHead const& head,
                std::vector<store::WorkloadView> const& views) {
  bool const fresh = store::AreFresh(head, views);
  Require(fresh || !body.status.empty(), "without a status all are fresh");
  auto const wanted = store::PackWanted(head, views);
  auto const status = fresh ? std::string() : store::PackStatus(head, views);
  Require(wanted.size() <= body.wanted.size() && status.size() <= body.status.size(),
          "nothing is added");
  auto second = store::BodyReader::Open({wanted, status});
  Require(second.has_value(), "what was written can be read");
  std::vector<store::WorkloadView> again;
  Require(Read(*second, again) && again == views, "and reads as it was");
}

}  // namespace

void Run(std::string_view input);

void Run(std::string_view input) {
  (void)store::ReadFormat1(input);
  auto const body = BodyIn(input);
  auto reader = store::BodyReader::Open(body);
  if (!reader) return;
  std::vector<store::WorkloadView> views;
  if (Read(*reader, views)) WriteAgain(body, reader->head(), views);
}

}  // namespace trellis::fuzz::workload_body
