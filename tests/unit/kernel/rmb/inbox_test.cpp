#include "kernel/rmb/inbox.hpp"

#include "tests/support/bus/twins.hpp"

#include <gtest/gtest.h>

namespace trellis::rmb {
namespace {

using testing::BusTwins;
using testing::RequestOf;

constexpr std::int64_t kNow = 1'800'000'000;
constexpr std::uint64_t kUnsignedNow = 1'800'000'000;

TEST(Stamp, MovesThePastToNow) {
  auto const stamp = [](std::uint64_t now, std::uint64_t timestamp, std::uint64_t expiration) {
    auto const made = MakeStamp(now, timestamp, expiration);
    return std::pair(made.timestamp, made.expiration);
  };
  using Pair = std::pair<std::uint64_t, std::uint64_t>;
  EXPECT_EQ(stamp(10, 1, 20), Pair(10, 11));
  EXPECT_EQ(stamp(1, 10, 20), Pair(1, 20));
  EXPECT_EQ(stamp(1, 0, 20), Pair(1, 20));
  EXPECT_EQ(stamp(30, 1, 20), Pair(30, 0));
  EXPECT_EQ(stamp(10, 0, 0), Pair(10, 300));
  EXPECT_EQ(stamp(10, 0, 5000), Pair(10, 1800));
}

TEST(TimeToLive, NeverWraps) {
  EXPECT_EQ(TimeToLive(10, 0, 20), 10U);
  EXPECT_EQ(TimeToLive(20, 0, 20), std::nullopt);
  EXPECT_EQ(TimeToLive(10, UINT64_MAX, 5), std::nullopt);
  EXPECT_EQ(TimeToLive(10, 310, 5), 305U);
  EXPECT_EQ(TimeToLive(10, 311, 5), std::nullopt);
  EXPECT_TRUE(TimeToLive(10, 5, UINT64_MAX).has_value());
  EXPECT_TRUE(TimeToLive(UINT64_MAX, UINT64_MAX, 5).has_value());
}

/// Twin 1 is ours; twins 2 (plain) and 3 (encrypts) ask.
class InboxTest : public ::testing::Test {
 protected:
  InboxTest() {
    twins_.Add(1, "relay", true);
    twins_.Add(2, "relay");
    twins_.Add(3, "relay", true);
  }
  static Envelope Request(std::uint32_t from, std::string const& uid = "uid") {
    return RequestOf({from, std::nullopt}, {1, std::nullopt}, uid, kNow);
  }
  Received Judge(std::string bytes, std::uint64_t now = kUnsignedNow) {
    auto const message = inbox_.Open(std::move(bytes));
    if (message == nullptr) return {};
    auto twin = twins_.Twin(message->view.source->twin);
    if (!twin) return inbox_.Judge(*message, tl::unexpected<Error>(twin.error()), now);
    return inbox_.Judge(*message, std::make_shared<TwinInfo const>(*twin), now);
  }
  Received Judge(Envelope const& envelope) { return Judge(testing::SignedBytes(envelope)); }
  static std::string CodeOf(Received const& received) {
    if (auto const* refusal = std::get_if<Refusal>(&received))
      return fmt::format("{} {}", refusal->code, refusal->text);
    if (std::holds_alternative<IncomingRequest>(received)) return "request";
    if (std::holds_alternative<ReplayTable::AnswerPtr>(received)) return "stored answer";
    if (std::holds_alternative<IncomingAnswer>(received)) return "answer";
    return "nothing";
  }
  IncomingRequest Accepted(Envelope const& envelope) {
    return std::get<IncomingRequest>(Judge(envelope));
  }

  BusTwins twins_;
  Inbox inbox_{BusTwins::IdentityOf(1, std::nullopt, true)};
};

TEST_F(InboxTest, HandsOverARequestWithItsProvenSender) {
  auto const request = Accepted(Request(2));
  EXPECT_EQ(request.source, (Address{2, std::nullopt}));
  EXPECT_EQ(request.command, "test.command");
  EXPECT_EQ(request.payload, "{}");
  EXPECT_FALSE(request.encrypted);
}

TEST_F(InboxTest, DropsWhatIsForSomebodyElse) {
  auto request = Request(2);
  request.destination = Address{5, std::nullopt};
  EXPECT_EQ(CodeOf(Judge(request)), "nothing");
  request.destination = Address{1, "session"};
  EXPECT_EQ(CodeOf(Judge(request)), "nothing");
  request.destination.reset();
  EXPECT_EQ(CodeOf(Judge(request)), "nothing");
}

TEST_F(InboxTest, NeverRunsARequestWithoutASource) {
  auto request = Request(2);
  request.source = Address{0, std::nullopt};
  EXPECT_EQ(inbox_.Open(SerializeEnvelope(request)), nullptr);
  request.source.reset();
  EXPECT_EQ(inbox_.Open(SerializeEnvelope(request)), nullptr);
  request.message = Response{};
  EXPECT_EQ(inbox_.Open(SerializeEnvelope(request)), nullptr);
}

TEST_F(InboxTest, TakesAnErrorWithoutASourceAsTheRelaysReport) {
  auto report = Request(2);
  report.source.reset();
  report.message = ErrorReport{0, "unknown twin destination"};
  auto const message = inbox_.Open(SerializeEnvelope(report));
  ASSERT_NE(message, nullptr);
  auto const answer = Inbox::AsReport(*message);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->from, 0U);
  EXPECT_EQ(answer->error->message, "unknown twin destination");
}

TEST_F(InboxTest, RefusesUnsignedAndDamagedRequests) {
  EXPECT_EQ(CodeOf(Judge(SerializeEnvelope(Request(2)))),
            "104 invalid envelope signature: signature is missing");
  auto request = Request(2);
  SignEnvelope(request, BusTwins::SignerOf(2));
  request.message = rmb::Request{"other.command"};
  EXPECT_EQ(CodeOf(Judge(SerializeEnvelope(request))),
            "104 invalid envelope signature: signature does not match");
  request = Request(2);
  SignEnvelope(request, BusTwins::SignerOf(3));
  EXPECT_EQ(CodeOf(Judge(SerializeEnvelope(request))),
            "104 invalid envelope signature: signature does not match");
}

TEST_F(InboxTest, RefusesExpiredFutureAndUnknown) {
  auto const expired = "102 envelope validation error: message has expired";
  auto request = Request(2);
  request.timestamp -= 60;
  EXPECT_EQ(CodeOf(Judge(request)), expired);
  request.timestamp = kUnsignedNow + 301;
  EXPECT_EQ(CodeOf(Judge(request)), expired);
  request.timestamp = UINT64_MAX;
  EXPECT_EQ(CodeOf(Judge(request)), expired);
  request.timestamp = kUnsignedNow + 300;
  EXPECT_EQ(CodeOf(Judge(request)), "request");
  EXPECT_EQ(CodeOf(Judge(Request(9))), "103 unknown twin id '9'");
}

TEST_F(InboxTest, RefusesBadBoxes) {
  auto request = Request(2);
  request.payload = Cipher{"box"};
  EXPECT_EQ(CodeOf(Judge(request)), "105 sender twin has no public key");
  request = Request(3);
  request.payload = Cipher{""};
  EXPECT_TRUE(CodeOf(Judge(request)).starts_with("106 e2e error: "));
  request.payload = Cipher{std::string(40, 'x')};
  EXPECT_TRUE(CodeOf(Judge(request)).starts_with("106 e2e error: "));
}

TEST_F(InboxTest, RefusesOtherSchemas) {
  auto const judged = [this](std::optional<std::string> schema) {
    auto request = Request(2, "uid of " + schema.value_or("none"));
    request.schema = std::move(schema);
    return CodeOf(Judge(request));
  };
  EXPECT_EQ(judged("text/plain"), "400 invalid schema, expecting 'application/json'");
  EXPECT_EQ(judged("application/jsonx"), "400 invalid schema, expecting 'application/json'");
  EXPECT_EQ(judged("application/json; charset=utf-8"), "request");
  EXPECT_EQ(judged(""), "request");
  EXPECT_EQ(judged(std::nullopt), "request");
}

TEST_F(InboxTest, RunsARepeatedRequestOnceAndAnswersItAgain) {
  auto const request = Accepted(Request(2));
  EXPECT_EQ(CodeOf(Judge(Request(2))), "nothing");
  auto const answer = inbox_.MakeResponse(request, R"("done")", true, kUnsignedNow);
  auto const again = Judge(Request(2));
  ASSERT_EQ(CodeOf(again), "stored answer");
  EXPECT_EQ(*std::get<ReplayTable::AnswerPtr>(again), answer);
}

TEST_F(InboxTest, NotesARequestOnlyWhenItsSignatureIsGood) {
  (void)Judge(SerializeEnvelope(Request(2)));
  EXPECT_EQ(CodeOf(Judge(Request(2))), "request");
}

TEST_F(InboxTest, AnswersWithTheSchemaThatClientsNeed) {
  auto const request = Accepted(Request(2));
  auto const answer = ParseEnvelope(inbox_.MakeResponse(request, "", true, kUnsignedNow)).value();
  EXPECT_EQ(answer.schema, "application/json");
  EXPECT_EQ(answer.uid, "uid");
  EXPECT_EQ(answer.payload_bytes(), "null");
  EXPECT_EQ(answer.destination, request.source);
  EXPECT_EQ(answer.source, (Address{1, std::nullopt}));
  EXPECT_TRUE(CheckSignature(answer, BusTwins::SignerOf(1).public_key()));
}

TEST_F(InboxTest, EncryptsBothWays) {
  Inbox client(BusTwins::IdentityOf(3, "session", true));
  Outgoing question;
  question.uid = "uid";
  question.command = "secret";
  question.payload = "42";
  question.stamp = {kUnsignedNow, 60};
  question.to = {1, std::nullopt};
  auto const bytes = client.MakeRequest(question, twins_.Twin(1).value(), true).value();
  EXPECT_TRUE(std::holds_alternative<Cipher>(ParseEnvelope(bytes)->payload));

  auto const request = std::get<IncomingRequest>(Judge(bytes));
  EXPECT_EQ(request.payload, "42");
  EXPECT_TRUE(request.encrypted);

  auto const message = client.Open(inbox_.MakeResponse(request, "43", true, kUnsignedNow));
  ASSERT_NE(message, nullptr);
  EXPECT_EQ(message->view.payload_kind, PayloadKind::kCipher);
  auto const own = std::make_shared<TwinInfo const>(twins_.Twin(1).value());
  auto const answer = std::get<IncomingAnswer>(client.Judge(*message, own, kUnsignedNow));
  EXPECT_EQ(answer.payload, "43");
}

TEST_F(InboxTest, EncryptsOnlyWhenBothHaveAKey) {
  Inbox client(BusTwins::IdentityOf(3, std::nullopt, true));
  auto const plain = [&](std::uint32_t to, std::string_view payload, bool published) {
    Outgoing question;
    question.payload = payload;
    question.to = {to, std::nullopt};
    auto const bytes = client.MakeRequest(question, twins_.Twin(to).value(), published).value();
    return std::holds_alternative<Plain>(ParseEnvelope(bytes)->payload);
  };
  EXPECT_FALSE(plain(1, "x", true));
  EXPECT_TRUE(plain(1, "x", false));
  EXPECT_TRUE(plain(1, "", true));
  EXPECT_TRUE(plain(2, "x", true));
}

TEST_F(InboxTest, UsesTheNewKeyOfATwinThatChangedIt) {
  Inbox client(BusTwins::IdentityOf(3, std::nullopt, true));
  Outgoing question;
  question.payload = "42";
  question.stamp = {kUnsignedNow, 60};
  question.to = {1, std::nullopt};
  question.uid = "1";
  auto bytes = client.MakeRequest(question, twins_.Twin(1).value(), true).value();
  EXPECT_EQ(CodeOf(Judge(bytes)), "request");
  twins_.ChangePk(3, 9);
  question.uid = "2";
  bytes = client.MakeRequest(question, twins_.Twin(1).value(), true).value();
  EXPECT_TRUE(CodeOf(Judge(bytes)).starts_with("106"));  // encrypted with the old one
}

TEST_F(InboxTest, NeverAnswersInTheOpenWhatWasAskedInSecret) {
  IncomingRequest request;
  request.source = {2, std::nullopt};
  request.uid = "uid";
  request.encrypted = true;
  auto sender = twins_.Twin(2).value();
  sender.pk.emplace();  // not a point of the curve
  request.sender = std::make_shared<TwinInfo const>(sender);
  auto const answer = ParseEnvelope(inbox_.MakeResponse(request, "secret", true, kUnsignedNow));
  EXPECT_TRUE(std::holds_alternative<ErrorReport>(answer->message));
  EXPECT_EQ(answer->payload_bytes(), "");
}

TEST_F(InboxTest, RefusesWithTheLifeOfTheRequest) {
  auto const message = inbox_.Open(SerializeEnvelope(Request(2)));
  auto const refusal =
      ParseEnvelope(inbox_.MakeRefusal(*message, {104, "text"}, kUnsignedNow)).value();
  EXPECT_EQ(std::get<ErrorReport>(refusal.message).code, 104U);
  EXPECT_EQ(refusal.expiration, 60U);
  EXPECT_EQ(refusal.timestamp, kUnsignedNow);
  EXPECT_TRUE(CheckSignature(refusal, BusTwins::SignerOf(1).public_key()));
  auto const late = ParseEnvelope(inbox_.MakeRefusal(*message, {102, "text"}, kUnsignedNow + 100));
  EXPECT_EQ(late->expiration, 300U);
}

TEST_F(InboxTest, IgnoresWhatNeedsNoAnswer) {
  auto other = Request(2);
  for (Message const& kind : {Message(Ping{}), Message(Pong{}), Message()}) {
    other.message = kind;
    EXPECT_EQ(inbox_.Open(testing::SignedBytes(other)), nullptr);
  }
  EXPECT_EQ(inbox_.Open("no envelope"), nullptr);
}

}  // namespace
}  // namespace trellis::rmb
