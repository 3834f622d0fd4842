// What lies in a deployment's row, byte by byte, and what becomes of damage.
#include "kernel/store/workload_body.hpp"

#include "kernel/crypto/bytes.hpp"
#include "kernel/store/workload_format1.hpp"
#include "kernel/store/workload_rows.hpp"
#include "tests/unit/kernel/store/store_fixture.hpp"

#include <limits>

namespace trellis::store {
namespace {

WorkloadView Whole() {
  WorkloadView view;
  view.name = "disk";
  view.type = "zmount";
  view.pos = 3;
  view.weight = -5;
  view.version = std::numeric_limits<std::uint32_t>::max();
  view.data = R"({"size":1})";
  view.description = "words";
  view.metadata = "meta";
  view.state = "paused";
  view.message = "why";
  view.created = 1'700'000'000;
  view.result = R"({"id":"x"})";
  view.eff_version = 0;
  view.eff_data = R"({"size":0})";
  view.handle = std::string_view("a\0b", 3);
  view.handle_schema = 7;
  view.owned = true;
  view.fails = 2;
  view.next_try = std::numeric_limits<std::int64_t>::min();
  view.entries = {{1, 5, "init", "", ""}, {9, 6, "paused", "why", view.result}};
  return view;
}

struct Texts {
  std::string wanted;
  std::string status;

  [[nodiscard]] Body body() const { return {wanted, status}; }
};

Texts TextsOf(std::vector<WorkloadView> const& views) {
  BodyHead const head{.created = 4, .last_seq = 9, .older = 4, .workloads = views.size()};
  return {PackWanted(head, views), PackStatus(head, views)};
}

Result<int> CountIn(Body const& body) {
  int count = 0;
  TRELLIS_CHECK(WalkWorkloads(
      body, [&](BodyHead const&, WorkloadView const* view) { count += view != nullptr ? 1 : 0; }));
  return count;
}

std::vector<WorkloadView> Fresh() {
  WorkloadView disk;
  disk.name = "disk";
  disk.data = "{}";
  SetFresh({.created = 4}, 0, disk);
  WorkloadView vm;
  vm.name = "vm";
  vm.pos = 1;
  SetFresh({.created = 4}, 1, vm);
  return {disk, vm};
}

TEST(WorkloadBody, ReadsBackAsWritten) {
  WorkloadView plain;
  plain.name = "b";
  auto const texts = TextsOf({Whole(), plain});

  auto reader = BodyReader::Open(texts.body()).value();
  WorkloadView view;
  EXPECT_EQ(std::tuple(reader.head().created, reader.head().last_seq, reader.head().older,
                       reader.head().workloads),
            std::tuple(4, 9, 4U, 2U));
  ASSERT_TRUE(reader.Next(view).value());
  EXPECT_TRUE(view == Whole());
  ASSERT_TRUE(reader.Next(view).value());
  EXPECT_TRUE(view == plain);
  EXPECT_FALSE(reader.Next(view).value());
}

TEST(WorkloadBody, WhatNothingBecameOfNeedsNoStatus) {
  BodyHead const head{.created = 4, .last_seq = 2, .older = 0, .workloads = 2};
  ASSERT_TRUE(AreFresh(head, Fresh()));
  auto const wanted = PackWanted(head, Fresh());

  std::vector<WorkloadView> views;
  ASSERT_TRUE(WalkWorkloads({wanted, {}}, [&](BodyHead const& read, WorkloadView const* view) {
    EXPECT_EQ(std::tuple(read.created, read.last_seq, read.older), std::tuple(4, 2, 0U));
    views.push_back(*view);
  }));

  EXPECT_TRUE(views == Fresh());
}

TEST(WorkloadBody, EverythingElseNeedsAStatus) {
  BodyHead const head{.created = 4, .last_seq = 2, .older = 0, .workloads = 2};
  auto const is_fresh = [&](auto const& change) {
    auto views = Fresh();
    change(views[1]);
    return AreFresh(head, views);
  };

  EXPECT_FALSE(is_fresh([](auto& view) { view.state = "ok"; }));
  EXPECT_FALSE(is_fresh([](auto& view) { view.created = 5; }));
  EXPECT_FALSE(is_fresh([](auto& view) { view.owned = true; }));
  EXPECT_FALSE(is_fresh([](auto& view) { view.eff_version = 0; }));
  EXPECT_FALSE(is_fresh([](auto& view) { view.entries.clear(); }));
  EXPECT_FALSE(is_fresh([](auto& view) { view.entries[0].seq = 3; }));
  EXPECT_FALSE(AreFresh({.created = 4, .last_seq = 3}, Fresh()));
  EXPECT_FALSE(AreFresh({.created = 4, .last_seq = 2, .older = 1}, Fresh()));
}

TEST(WorkloadBody, StoresOnceWhatIsTheSame) {
  auto once = Whole();
  once.eff_data = once.data;
  once.entries.clear();
  auto twice = once;
  twice.entries = {{1, 0, "", "", once.result}};

  EXPECT_EQ(TextsOf({twice}).status.size(), TextsOf({once}).status.size() + 5);
}

TEST(WorkloadBody, NoticesEveryMissingEnd) {
  auto const texts = TextsOf({Whole(), Whole()});
  std::string_view const wanted = texts.wanted;
  std::string_view const status = texts.status;

  for (std::size_t size = 0; size < wanted.size(); ++size)
    EXPECT_EQ(CountIn({wanted.substr(0, size), status}).error().code, Code::kIo) << size;
  for (std::size_t size = 1; size < status.size(); ++size)
    EXPECT_EQ(CountIn({wanted, status.substr(0, size)}).error().code, Code::kIo) << size;
  EXPECT_EQ(CountIn(texts.body()).value(), 2);
  EXPECT_FALSE(CountIn({texts.wanted + "x", texts.status}));
  EXPECT_FALSE(CountIn({texts.wanted, texts.status + "x"}));
}

TEST(WorkloadBody, AStatusOfOtherWorkloadsIsDamage) {
  auto const two = TextsOf({Whole(), Whole()});
  auto const one = TextsOf({Whole()});

  EXPECT_FALSE(CountIn({two.wanted, one.status}));
}

TEST(WorkloadBody, RefusesTheFormatOfANewerDaemon) {
  auto newer = TextsOf({});
  newer.wanted.front() = 3;
  auto half = TextsOf({});
  half.status.front() = 3;

  EXPECT_EQ(CountIn(newer.body()).error().message,
            "the workloads are stored in format 3, this daemon knows 2");
  EXPECT_EQ(CountIn(half.body()).error().message,
            "the workloads are stored in format 3, this daemon knows 2");
}

TEST(WorkloadBody, TextsAndCountsThatEndNowhereAreDamage) {
  std::string const huge = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
  auto const empty = TextsOf({});
  auto const less = empty.wanted.substr(0, empty.wanted.size() - 1);

  EXPECT_FALSE(CountIn({less + huge, {}}));           // workloads
  EXPECT_FALSE(CountIn({less + "\x01" + huge, {}}));  // length of a name
}

TEST(WorkloadFormat1, ReadsBackAsWritten) {
  WorkloadView plain;
  plain.name = "b";
  auto const text = PackFormat1({.last_seq = 9, .older = 4, .workloads = 2}, {Whole(), plain});

  auto const read = ReadFormat1(text).value();

  EXPECT_EQ(std::tuple(read.head.last_seq, read.head.older), std::tuple(9, 4U));
  EXPECT_TRUE(read.views == std::vector({Whole(), plain}));
}

// Written by a daemon of schema 4.
TEST(WorkloadFormat1, ReadsWhatADaemonOfItsTimeWrote) {
  auto const stored = crypto::FromHex(
      "0106040200046469736b067a6d6f756e74000500056572726f7280c49fd50c0100076d6573736167650b64657363"
      "72697074696f6e046d6574610a7b2273697a65223a317d0002006802000702766d087a6d616368696e6501050202"
      "6f6b80c49fd50c010001076d6573736167650b6465736372697074696f6e046d657461097b22637075223a327d11"
      "7b226970223a2231302e302e302e32227d097b22637075223a317d020068020201040a04696e6974000000060c02"
      "6f6b00");
  ASSERT_TRUE(stored);

  std::string const text(stored->begin(), stored->end());
  auto const read = ReadFormat1(text).value();

  ASSERT_EQ(read.views.size(), 2U);
  auto const& disk = read.views[0];
  EXPECT_EQ(std::tuple(disk.name, disk.type, disk.state, disk.data, disk.eff_version),
            std::tuple("disk", "zmount", "error", R"({"size":1})", std::nullopt));
  auto const& vm = read.views[1];
  EXPECT_EQ(std::tuple(vm.name, vm.state, vm.result, vm.data, vm.eff_data, vm.handle),
            std::tuple("vm", "ok", R"({"ip":"10.0.0.2"})", R"({"cpu":2})", R"({"cpu":1})",
                       std::string("\0h", 2)));
  ASSERT_EQ(vm.entries.size(), 2U);
  EXPECT_EQ(std::tuple(vm.entries[1].seq, vm.entries[1].state, vm.entries[1].result),
            std::tuple(3, "ok", vm.result));
  EXPECT_EQ(PackFormat1(read.head, read.views), text);
}

TEST(WorkloadFormat1, NoticesEveryMissingEnd) {
  auto const text = PackFormat1({.last_seq = 9, .older = 4, .workloads = 1}, {Whole()});

  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_EQ(ReadFormat1(std::string_view(text).substr(0, size)).error().code, Code::kIo) << size;
  EXPECT_FALSE(ReadFormat1(text + "x"));
}

class StoredBody : public StoreFixture {};

TEST_F(StoredBody, ThatIsDamagedIsDamageOfTheStore) {
  Damage damage;
  std::string reported;
  damage.OnReport([&](std::string const& what) { reported = what; });
  AddDeployment(kKey);
  AddWorkload(kKey, "disk");
  ASSERT_TRUE(database_->Exec("UPDATE workloads SET body = substr(body, 1, 9); COMMIT"));
  auto const reader =
      Database::Open(dir_.path() / "trellis.db", Database::Mode::kReadOnly, &damage).value();

  auto const read = ListWorkloads(*reader, kKey);

  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, "deployment 7-100: the stored workloads are damaged");
  EXPECT_EQ(reported, read.error().message);
}

}  // namespace
}  // namespace trellis::store
