#include "kernel/plugin/helper/frame.hpp"

#include "kernel/plugin/text.hpp"

#include <bit>
#include <cstring>

namespace trellis::plugin {

static_assert(std::endian::native == std::endian::little, "frames are little-endian");

namespace {

template <class T>
void Put(char* to, std::size_t at, T value) {
  std::memcpy(to + at, &value, sizeof value);
}
template <class T>
T Get(char const* from, std::size_t at) {
  T value{};
  std::memcpy(&value, from + at, sizeof value);
  return value;
}

}  // namespace

void FrameHeader::Write(char* to) const {
  Put(to, 0, length);
  Put(to, 4, kind);
  Put(to, 5, fds);
  Put(to, 6, method);
  Put(to, 8, id);
}

Result<FrameHeader> FrameHeader::Read(char const* from) {
  FrameHeader header;
  header.length = Get<std::uint32_t>(from, 0);
  header.kind = Get<std::uint8_t>(from, 4);
  header.fds = Get<std::uint8_t>(from, 5);
  header.method = Get<std::uint16_t>(from, 6);
  header.id = Get<std::uint64_t>(from, 8);
  bool const fine = header.length <= kMaxFrameBytes && header.fds <= kMaxCallFds &&
                    header.kind >= static_cast<std::uint8_t>(FrameKind::kCall) &&
                    header.kind <= static_cast<std::uint8_t>(FrameKind::kNotice);
  if (!fine) return Fail(Code::kDecode, "malformed frame");
  return header;
}

FieldWriter& FieldWriter::Text(std::string_view text) {
  auto const at = body_.size();
  body_.resize(at + sizeof(std::uint32_t));
  Put(body_.data(), at, static_cast<std::uint32_t>(text.size()));
  body_.append(text);
  ++count_;
  return *this;
}

FieldWriter& FieldWriter::Int(std::uint64_t value) {
  auto const at = body_.size();
  body_.resize(at + sizeof(std::uint32_t) + sizeof value);
  Put(body_.data(), at, static_cast<std::uint32_t>(sizeof value));
  Put(body_.data(), at + sizeof(std::uint32_t), value);
  ++count_;
  return *this;
}

std::string FieldWriter::Take() {
  Put(body_.data(), 0, static_cast<std::uint16_t>(count_));
  return std::move(body_);
}

FieldReader::FieldReader(std::string_view body) {
  if (body.size() < sizeof(std::uint16_t)) {
    failed_ = true;
    return;
  }
  left_ = Get<std::uint16_t>(body.data(), 0);
  rest_ = body.substr(sizeof(std::uint16_t));
  failed_ = left_ > kMaxFields;
}

std::string_view FieldReader::Text() {
  constexpr std::size_t kLength = sizeof(std::uint32_t);
  if (failed_ || left_ == 0 || rest_.size() < kLength) {
    failed_ = true;
    return {};
  }
  std::size_t const size = Get<std::uint32_t>(rest_.data(), 0);
  if (rest_.size() - kLength < size) {
    failed_ = true;
    return {};
  }
  auto const field = rest_.substr(kLength, size);
  rest_.remove_prefix(kLength + size);
  --left_;
  return field;
}

std::uint64_t FieldReader::Int() {
  auto const field = Text();
  if (field.size() == sizeof(std::uint64_t)) return Get<std::uint64_t>(field.data(), 0);
  failed_ = true;
  return 0;
}

Result<void> FieldReader::End() const {
  if (failed_ || left_ != 0 || !rest_.empty()) return Fail(Code::kDecode, "malformed frame body");
  return {};
}

}  // namespace trellis::plugin
