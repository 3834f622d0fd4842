#include "plugins/gateway/daemon/dns_zone.hpp"

#include <arpa/nameser.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace trellis::plugins::gateway {
namespace {

DnsZone const kZone{"_acme-challenge.gw.example.com", "gw.example.com", {"first", "second"}};

std::string Question(std::string_view domain, unsigned type) {
  std::string message("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
  while (!domain.empty()) {
    auto const label = domain.substr(0, domain.find('.'));
    message += static_cast<char>(label.size());
    message += label;
    domain.remove_prefix(std::min(label.size() + 1, domain.size()));
  }
  return message + std::string{'\0', '\0', static_cast<char>(type), '\0', '\1'};
}

struct Seen {
  int code = -1;
  bool authoritative = false;
  std::vector<std::string> answers;  // data of the records
  int authorities = 0;
};

Seen Ask(std::string_view domain, unsigned type) {
  auto const reply = AnswerDns(kZone, Question(domain, type));
  ns_msg message{};
  Seen seen;
  auto const* bytes = reinterpret_cast<unsigned char const*>(reply.data());
  if (::ns_initparse(bytes, static_cast<int>(reply.size()), &message) != 0) return seen;
  seen.code = ns_msg_getflag(message, ns_f_rcode);
  seen.authoritative = ns_msg_getflag(message, ns_f_aa) != 0;
  seen.authorities = ns_msg_count(message, ns_s_ns);
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    ns_rr record{};
    EXPECT_EQ(::ns_parserr(&message, ns_s_an, i, &record), 0);
    EXPECT_EQ(ns_rr_type(record), type);
    seen.answers.emplace_back(reinterpret_cast<char const*>(ns_rr_rdata(record)),
                              ns_rr_rdlen(record));
  }
  return seen;
}

TEST(DnsZone, TellsItsTexts) {
  auto const seen = Ask("_ACME-challenge.gw.Example.com", ns_t_txt);

  EXPECT_EQ(seen.code, ns_r_noerror);
  EXPECT_TRUE(seen.authoritative);
  ASSERT_EQ(seen.answers.size(), 2U);
  EXPECT_EQ(seen.answers[0], "\5first");
  EXPECT_EQ(seen.answers[1], "\6second");
}

TEST(DnsZone, TellsWhoAnswersForIt) {
  for (auto const type : {ns_t_soa, ns_t_ns}) {
    auto const seen = Ask(kZone.name, type);
    ASSERT_EQ(seen.answers.size(), 1U);
    EXPECT_TRUE(seen.answers[0].starts_with(std::string("\2gw\7example\3com\0", 16)));
  }
}

TEST(DnsZone, HasNothingOfOtherTypes) {
  constexpr unsigned kCaa = 257U & 0xffU;  // of a type above a byte only the low half is asked for
  for (unsigned const type : {unsigned{ns_t_a}, unsigned{ns_t_aaaa}, kCaa}) {
    auto const seen = Ask(kZone.name, type);
    EXPECT_EQ(seen.code, ns_r_noerror);
    EXPECT_TRUE(seen.answers.empty());
    EXPECT_EQ(seen.authorities, 1);
  }
}

TEST(DnsZone, RefusesEveryOtherName) {
  for (auto const* const other :
       {"gw.example.com", "a._acme-challenge.gw.example.com", "com", ""}) {
    auto const seen = Ask(other, ns_t_txt);
    EXPECT_EQ(seen.code, ns_r_refused) << other;
    EXPECT_TRUE(seen.answers.empty());
  }
}

TEST(DnsZone, KeepsSilentOnWhatIsNoQuestion) {
  auto const good = Question(kZone.name, ns_t_txt);
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_EQ(AnswerDns(kZone, good.substr(0, size)), "") << size;
  auto reply = good;
  reply[2] = '\x81';
  EXPECT_EQ(AnswerDns(kZone, reply), "");
  auto compressed = good;
  compressed[12] = '\xc0';
  EXPECT_EQ(AnswerDns(kZone, compressed), "");
}

}  // namespace
}  // namespace trellis::plugins::gateway
