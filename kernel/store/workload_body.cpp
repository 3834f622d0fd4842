#include "kernel/store/workload_body.hpp"

#include <algorithm>
#include <limits>

namespace trellis::store {
namespace {

// Stored: new members go to the end of a workload, with a new format.
constexpr char kFormat = 1;

constexpr std::uint64_t kOwned = 1;
constexpr std::uint64_t kApplied = 2;       // has eff_version
constexpr std::uint64_t kOtherApplied = 4;  // has eff_data, else it is the data
constexpr std::uint64_t kOtherResult = 1;   // an entry's, else it is the workload's

constexpr unsigned kBits = 7;
constexpr std::uint64_t kMore = 0x80;
constexpr std::size_t kLongest = 10;  // bytes of a number
constexpr std::size_t kUsual = 512;   // bytes of a workload

tl::unexpected<Error> Damaged() {
  return Fail(Code::kIo, "the stored workloads are damaged");
}

}  // namespace

// A number is its groups of seven bits, the lowest first; a signed one has its sign in the lowest
// bit; a text follows its length.

Result<BodyReader> BodyReader::Open(std::string_view bytes) {
  if (bytes.empty()) return Damaged();
  if (bytes.front() != kFormat)
    return Fail(Code::kIo, "the workloads are stored in format {}, this daemon knows {}",
                static_cast<int>(bytes.front()), static_cast<int>(kFormat));
  BodyReader reader(bytes.substr(1));
  reader.head_.last_seq = reader.Signed();
  reader.head_.older = reader.Number();
  reader.head_.workloads = reader.Number();
  if (!reader.sound_) return Damaged();
  return reader;
}

Result<bool> BodyReader::Next(WorkloadView& view) {
  if (read_ == head_.workloads) {
    if (!rest_.empty()) return Damaged();
    return false;
  }
  ++read_;
  ReadWorkload(view);
  if (!sound_) return Damaged();
  return true;
}

void BodyReader::ReadWorkload(WorkloadView& view) {
  auto const flags = Number();
  view.owned = (flags & kOwned) != 0;
  view.name = Text();
  view.type = Text();
  view.pos = Small();
  view.weight = Signed();
  view.version = Small();
  view.state = Text();
  view.created = Signed();
  view.fails = Small();
  view.next_try = Signed();
  view.eff_version.reset();
  if ((flags & kApplied) != 0) view.eff_version = Small();
  view.message = Text();
  view.description = Text();
  view.metadata = Text();
  view.data = Text();
  view.result = Text();
  view.eff_data = (flags & kOtherApplied) != 0 ? Text() : view.data;
  view.handle = Text();
  view.handle_schema = Small();
  ReadEntries(view);
}

void BodyReader::ReadEntries(WorkloadView& view) {
  view.entries.clear();
  for (auto left = Number(); left > 0 && sound_; --left) {
    auto& entry = view.entries.emplace_back();
    auto const flags = Number();
    entry.seq = Signed();
    entry.created = Signed();
    entry.state = Text();
    entry.message = Text();
    entry.result = (flags & kOtherResult) != 0 ? Text() : view.result;
  }
}

std::uint64_t BodyReader::Number() {
  std::uint64_t value = 0;
  auto const most = std::min(rest_.size(), kLongest);
  for (std::size_t i = 0; i < most; ++i) {
    auto const byte = static_cast<unsigned char>(rest_[i]);
    value |= (byte & (kMore - 1)) << (kBits * i);
    if ((byte & kMore) != 0) continue;
    rest_.remove_prefix(i + 1);
    return value;
  }
  sound_ = false;
  rest_ = {};
  return 0;
}

std::uint32_t BodyReader::Small() {
  auto const value = Number();
  if (value > std::numeric_limits<std::uint32_t>::max()) sound_ = false;
  return static_cast<std::uint32_t>(value);
}

std::int64_t BodyReader::Signed() {
  auto const value = Number();
  auto const half = static_cast<std::int64_t>(value >> 1U);
  return (value & 1U) != 0 ? -half - 1 : half;
}

std::string_view BodyReader::Text() {
  auto const size = Number();
  if (size > rest_.size()) {
    sound_ = false;
    rest_ = {};
    return {};
  }
  auto const text = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return text;
}

BodyWriter::BodyWriter(BodyHead const& head) {
  bytes_.reserve(kUsual * (head.workloads + 1));
  bytes_ += kFormat;
  Signed(head.last_seq);
  Number(head.older);
  Number(head.workloads);
}

void BodyWriter::Add(WorkloadView const& view) {
  bool const other = view.eff_data != view.data;
  Number((view.owned ? kOwned : 0) | (view.eff_version.has_value() ? kApplied : 0) |
         (other ? kOtherApplied : 0));
  Text(view.name);
  Text(view.type);
  Number(view.pos);
  Signed(view.weight);
  Number(view.version);
  Text(view.state);
  Signed(view.created);
  Number(view.fails);
  Signed(view.next_try);
  if (view.eff_version.has_value()) Number(*view.eff_version);
  Text(view.message);
  Text(view.description);
  Text(view.metadata);
  Text(view.data);
  Text(view.result);
  if (other) Text(view.eff_data);
  Text(view.handle);
  Number(view.handle_schema);
  Number(view.entries.size());
  for (auto const& entry : view.entries) {
    bool const own = entry.result != view.result;
    Number(own ? kOtherResult : 0);
    Signed(entry.seq);
    Signed(entry.created);
    Text(entry.state);
    Text(entry.message);
    if (own) Text(entry.result);
  }
}

void BodyWriter::Number(std::uint64_t value) {
  while (value >= kMore) {
    bytes_ += static_cast<char>((value & (kMore - 1)) | kMore);
    value >>= kBits;
  }
  bytes_ += static_cast<char>(value);
}

void BodyWriter::Signed(std::int64_t value) {
  auto const bits = static_cast<std::uint64_t>(value) << 1U;
  Number(value < 0 ? ~bits : bits);
}

void BodyWriter::Text(std::string_view text) {
  Number(text.size());
  bytes_ += text;
}

}  // namespace trellis::store
