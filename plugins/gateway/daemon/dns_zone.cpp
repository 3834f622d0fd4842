#include "plugins/gateway/daemon/dns_zone.hpp"

#include <arpa/nameser.h>

#include <algorithm>

namespace trellis::plugins::gateway {

namespace {

constexpr std::size_t kHeader = 12;
constexpr std::size_t kMaxLabel = 63;
/// Where a response, and who is asked for more, is told. Bits of the header's second number.
constexpr unsigned kReply = 0x8000;
constexpr unsigned kAuthoritative = 0x0400;
constexpr unsigned kOpcode = 0x7800;
constexpr unsigned kRecursionDesired = 0x0100;
/// The zone's name, which the question begins with.
constexpr unsigned kPointer = 0xc000U | kHeader;
/// Nobody need remember what is gone after the order.
constexpr std::uint32_t kTtl = 0;
constexpr std::uint32_t kRetry = 60;

void Add16(std::string& out, unsigned number) {
  out += static_cast<char>(number >> 8U & 0xffU);
  out += static_cast<char>(number & 0xffU);
}
void Add32(std::string& out, std::uint32_t number) {
  Add16(out, number >> 16U);
  Add16(out, number & 0xffffU);
}
unsigned Read16(std::string_view in, std::size_t at) {
  return static_cast<unsigned>(static_cast<unsigned char>(in[at])) << 8U |
         static_cast<unsigned char>(in[at + 1]);
}

/// A name that the zone's own one is not part of.
void AddName(std::string& out, std::string_view name) {
  while (!name.empty()) {
    auto const label = name.substr(0, std::min(name.find('.'), kMaxLabel));
    out += static_cast<char>(label.size());
    out += label;
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  out += '\0';
}

struct Question {
  std::string name;  // lower case
  unsigned type = 0;
  unsigned klass = 0;
  std::size_t end = 0;  // of its bytes
};

bool ReadQuestion(std::string_view message, Question& question) {
  std::size_t at = kHeader;
  while (at < message.size() && message[at] != '\0') {
    std::size_t const size = static_cast<unsigned char>(message[at]);
    if (size > kMaxLabel || at + 1 + size >= message.size()) return false;  // or compressed
    if (!question.name.empty()) question.name += '.';
    for (char const c : message.substr(at + 1, size))
      question.name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    at += 1 + size;
  }
  constexpr std::size_t kRest = 5;  // end of the name, type, class
  if (at + kRest > message.size() || question.name.size() > NS_MAXDNAME) return false;
  question.type = Read16(message, at + 1);
  question.klass = Read16(message, at + 3);
  question.end = at + kRest;
  return true;
}

void AddRecord(std::string& out, unsigned type, std::string_view data) {
  Add16(out, kPointer);
  Add16(out, type);
  Add16(out, ns_c_in);
  Add32(out, kTtl);
  Add16(out, static_cast<unsigned>(data.size()));
  out += data;
}

std::string SoaOf(DnsZone const& zone) {
  std::string data;
  AddName(data, zone.server);
  AddName(data, "hostmaster." + zone.server);
  for (auto const number : {std::uint32_t{1}, kRetry, kRetry, kRetry, kTtl})
    Add32(data, number);  // serial, refresh, retry, expire, how long "no" holds
  return data;
}

/// Records of the type, as their data.
std::vector<std::string> RecordsOf(DnsZone const& zone, unsigned type) {
  std::vector<std::string> records;
  if (type == ns_t_txt) {
    records.reserve(zone.txt.size());
    for (auto const& text : zone.txt)
      records.push_back(std::string(1, static_cast<char>(text.size())) + text);
  } else if (type == ns_t_soa) {
    records.push_back(SoaOf(zone));
  } else if (type == ns_t_ns) {
    AddName(records.emplace_back(), zone.server);
  }
  return records;
}

}  // namespace

std::string AnswerDns(DnsZone const& zone, std::string_view message) {
  Question question;
  bool const readable = message.size() >= kHeader && (Read16(message, 2) & kReply) == 0 &&
                        Read16(message, 4) == 1 && ReadQuestion(message, question);
  if (!readable) return {};
  auto const asked = Read16(message, 2);
  bool const ours =
      (asked & kOpcode) == 0 && question.klass == ns_c_in && question.name == zone.name;
  auto const records = ours ? RecordsOf(zone, question.type) : std::vector<std::string>();
  bool const nothing = ours && records.empty();
  std::string reply(message.substr(0, 2));
  Add16(reply, kReply | (asked & (kOpcode | kRecursionDesired)) | (ours ? kAuthoritative : 0U) |
                   (ours ? unsigned{ns_r_noerror} : unsigned{ns_r_refused}));
  Add16(reply, 1);
  Add16(reply, static_cast<unsigned>(records.size()));
  Add16(reply, nothing ? 1 : 0);  // who has nothing tells for how long
  Add16(reply, 0);
  reply += message.substr(kHeader, question.end - kHeader);
  for (auto const& record : records)
    AddRecord(reply, question.type, record);
  if (nothing) AddRecord(reply, ns_t_soa, SoaOf(zone));
  return reply;
}

}  // namespace trellis::plugins::gateway
