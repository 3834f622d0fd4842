#include "kernel/rmb/resp.hpp"

#include "kernel/base/strings.hpp"

#include <algorithm>

namespace trellis::rmb {
namespace {

constexpr std::size_t kMaxLine = 65536;
constexpr std::string_view kEnd = "\r\n";

tl::unexpected<Error> Bad(std::string_view what) {
  return Fail(Code::kDecode, "not RESP: {}", what);
}

}  // namespace

struct RespReader::Cursor {
  std::string_view bytes;
  std::size_t at = 0;
  std::size_t items = 0;  // so far
};

Result<std::optional<std::string_view>> RespReader::Line(Cursor& cursor) const {
  auto const end = cursor.bytes.find(kEnd, cursor.at);
  bool const found = end != std::string_view::npos;
  if ((found ? end : cursor.bytes.size()) - cursor.at > kMaxLine) return Bad("line too long");
  if (!found) return std::nullopt;
  auto const line = cursor.bytes.substr(cursor.at, end - cursor.at);
  cursor.at = end + kEnd.size();
  return line;
}

Result<RespReader::Step> RespReader::Parse(Cursor& cursor, RespValue& out, std::size_t depth) {
  TRELLIS_TRY(auto const line, Line(cursor));
  if (!line.has_value()) return Step::kMore;
  if (line->empty()) return Bad("empty line");
  auto const rest = line->substr(1);
  switch (line->front()) {
    case '+':
    case '-':
      out.type = line->front() == '+' ? RespValue::Type::kSimple : RespValue::Type::kError;
      out.text = rest;
      return Step::kDone;
    case ':':
    case '$':
    case '*': {
      auto const number = strings::ParseNumber<std::int64_t>(rest);
      if (!number) return Bad("number expected");
      if (line->front() == '$') return ParseBulk(cursor, out, *number);
      if (line->front() == '*') return ParseArray(cursor, out, *number, depth);
      out.type = RespValue::Type::kInteger;
      out.integer = *number;
      return Step::kDone;
    }
    default:
      return Bad("unknown type");
  }
}

Result<RespReader::Step> RespReader::ParseBulk(Cursor& cursor, RespValue& out, std::int64_t size) {
  if (size == -1) return Step::kDone;  // null, as it began
  if (size < 0) return Bad("negative length");
  auto const length = static_cast<std::size_t>(size);
  if (length > limits_.bytes) return Bad("text too long");
  auto const end = cursor.at + length + kEnd.size();
  if (end > limits_.bytes + kMaxLine) return Bad("value too long");
  if (cursor.bytes.size() < end) {
    need_ = end;
    return Step::kMore;
  }
  if (cursor.bytes.substr(cursor.at + length, kEnd.size()) != kEnd) return Bad("text without end");
  out.type = RespValue::Type::kBulk;
  out.text = cursor.bytes.substr(cursor.at, length);
  cursor.at = end;
  return Step::kDone;
}

Result<RespReader::Step> RespReader::ParseArray(Cursor& cursor, RespValue& out, std::int64_t size,
                                                std::size_t depth) {
  if (size == -1) return Step::kDone;
  if (size < 0) return Bad("negative length");
  if (depth == limits_.depth) return Bad("lists nested too deeply");
  auto const count = static_cast<std::size_t>(size);
  if (count > limits_.items - std::min(limits_.items, cursor.items)) return Bad("too many items");
  cursor.items += count;
  out.type = RespValue::Type::kArray;
  for (std::size_t i = 0; i < count; ++i) {
    RespValue item;
    TRELLIS_TRY(auto const step, Parse(cursor, item, depth + 1));
    if (step == Step::kMore) return step;
    out.items.push_back(std::move(item));
  }
  return Step::kDone;
}

void RespReader::Consume(std::size_t bytes) {
  need_ = 0;
  if (bytes == buffer_.size()) {
    buffer_ = {};  // an idle connection holds no buffer
  } else {
    buffer_.erase(0, bytes);
  }
}

Result<std::optional<RespValue>> RespReader::Next() {
  if (buffer_.empty() || buffer_.size() < need_) return std::nullopt;
  need_ = 0;
  Cursor cursor{buffer_, 0, 0};
  RespValue value;
  TRELLIS_TRY(auto const step, Parse(cursor, value, 0));
  if (step == Step::kMore) return std::nullopt;
  Consume(cursor.at);
  return value;
}

Result<std::optional<std::vector<std::string>>> RespReader::NextCommand() {
  using Words = std::vector<std::string>;
  if (!buffer_.empty() && buffer_.front() != '*') {
    Cursor cursor{buffer_, 0, 0};
    TRELLIS_TRY(auto const line, Line(cursor));
    if (!line.has_value()) return std::nullopt;
    Words words;
    for (auto const word : strings::SplitWords(*line)) {
      if (words.size() == limits_.items) return Bad("too many items");
      words.emplace_back(word);
    }
    Consume(cursor.at);
    return words;
  }
  TRELLIS_TRY(auto value, Next());
  if (!value.has_value()) return std::nullopt;
  Words words;
  for (auto& item : value->items) {
    if (item.type != RespValue::Type::kBulk) return Bad("a command is a list of texts");
    words.push_back(std::move(item.text));
  }
  return words;
}

std::string RespSimple(std::string_view text) {
  return fmt::format("+{}\r\n", text);
}
std::string RespError(std::string_view text) {
  return fmt::format("-{}\r\n", text);
}
std::string RespInteger(std::int64_t number) {
  return fmt::format(":{}\r\n", number);
}
std::string RespBulk(std::string_view text) {
  return fmt::format("${}\r\n{}\r\n", text.size(), text);
}
std::string RespNull() {
  return "$-1\r\n";
}
std::string RespNullArray() {
  return "*-1\r\n";
}
std::string RespArray(std::span<std::string const> texts) {
  auto out = fmt::format("*{}\r\n", texts.size());
  for (auto const& text : texts)
    out += RespBulk(text);
  return out;
}

}  // namespace trellis::rmb
