// What lies in a deployment's row, byte by byte, and what becomes of damage.
#include "kernel/store/workload_body.hpp"

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

std::string BodyOf(std::vector<WorkloadView> const& views) {
  BodyWriter writer({.last_seq = 9, .older = 4, .workloads = views.size()});
  for (auto const& view : views)
    writer.Add(view);
  return std::move(writer).Take();
}

auto Members(WorkloadView const& v) {
  std::vector<std::tuple<std::int64_t, std::int64_t, std::string, std::string, std::string>>
      entries;
  for (auto const& e : v.entries)
    entries.emplace_back(e.seq, e.created, e.state, e.message, e.result);
  return std::tuple(v.name, v.type, v.pos, v.weight, v.version, v.data, v.description, v.metadata,
                    v.state, v.message, v.created, v.result, v.eff_version, v.eff_data, v.handle,
                    v.handle_schema, v.owned, v.fails, v.next_try, entries);
}

Result<int> CountIn(std::string_view body) {
  int count = 0;
  TRELLIS_CHECK(WalkWorkloads(
      body, [&](BodyHead const&, WorkloadView const* view) { count += view != nullptr ? 1 : 0; }));
  return count;
}

TEST(WorkloadBody, ReadsBackAsWritten) {
  WorkloadView plain;
  plain.name = "b";
  auto const body = BodyOf({Whole(), plain});

  auto reader = BodyReader::Open(body).value();
  WorkloadView view;
  EXPECT_EQ(std::tuple(reader.head().last_seq, reader.head().older, reader.head().workloads),
            std::tuple(9, 4U, 2U));
  ASSERT_TRUE(reader.Next(view).value());
  EXPECT_EQ(Members(view), Members(Whole()));
  ASSERT_TRUE(reader.Next(view).value());
  EXPECT_EQ(Members(view), Members(plain));
  EXPECT_FALSE(reader.Next(view).value());
}

TEST(WorkloadBody, StoresOnceWhatIsTheSame) {
  auto once = Whole();
  once.eff_data = once.data;
  once.entries.clear();
  auto twice = once;
  twice.entries = {{1, 0, "", "", once.result}};

  EXPECT_EQ(BodyOf({twice}).size(), BodyOf({once}).size() + 5);
}

TEST(WorkloadBody, NoticesEveryMissingEnd) {
  auto const body = BodyOf({Whole(), Whole()});

  for (std::size_t size = 0; size < body.size(); ++size)
    EXPECT_EQ(CountIn(std::string_view(body).substr(0, size)).error().code, Code::kIo) << size;
  EXPECT_EQ(CountIn(body).value(), 2);
  EXPECT_FALSE(CountIn(body + "x"));
}

TEST(WorkloadBody, RefusesTheFormatOfANewerDaemon) {
  auto body = BodyOf({});
  body.front() = 2;

  EXPECT_EQ(CountIn(body).error().message,
            "the workloads are stored in format 2, this daemon knows 1");
}

TEST(WorkloadBody, TextsAndCountsThatEndNowhereAreDamage) {
  std::string const huge = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
  auto const empty = BodyOf({});

  EXPECT_FALSE(CountIn(empty.substr(0, empty.size() - 1) + huge));               // workloads
  EXPECT_FALSE(CountIn(empty.substr(0, empty.size() - 1) + "\x01\x00" + huge));  // length of a name
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
