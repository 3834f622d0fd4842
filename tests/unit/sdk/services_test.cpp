// The example of docs/plugins/services.md; check_docs.py holds the two together.
#include <trellis/sdk.hpp>
#include <trellis/services/storage.hpp>
#include <trellis/testing.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <map>

using namespace trellis;

inline constexpr char const* kRope = "acme.rope/1";

/// tie{owner,metres}: one rope for each owner; again: the same one. kExhausted.
/// untie{owner}: an unknown owner is fine. list{}: all of them. reconcile{owners}.
struct RopeRequest {
  std::string owner;  ///< a workload id, or "@plugin/key"
  std::uint32_t metres = 0;
};
BOOST_DESCRIBE_STRUCT(RopeRequest, (), (owner, metres))

struct Rope {
  std::string owner;
  std::uint32_t metres = 0;
  std::string path;
};
BOOST_DESCRIBE_STRUCT(Rope, (), (owner, metres, path))

struct RopeList {
  std::vector<Rope> ropes;
};
BOOST_DESCRIBE_STRUCT(RopeList, (), (ropes))

class Ropes {
 public:
  explicit Ropes(Host host) : host_(host) {}

  Result<Rope> Tie(Call&, RopeRequest const& request) {
    if (request.owner.empty()) return Fail(Code::kInvalid, "a rope needs an owner");
    if (auto const there = host_.StoreGet(request.owner)) return json::Parse<Rope>(*there);
    Rope rope{request.owner, request.metres, host_.state_dir() + "/" + request.owner};
    TRELLIS_CHECK(host_.StorePut(request.owner, json::Dump(rope)));
    return rope;
  }
  Result<json::Nothing> Untie(Call&, RopeRequest const& request) {
    TRELLIS_CHECK(host_.StoreRemove(request.owner));  // of one that is not there: fine
    return json::Nothing{};
  }
  Result<RopeList> List(Call&, json::Nothing const&) {
    RopeList list;
    TRELLIS_TRY(auto const owners, host_.StoreList(""));
    for (auto const& owner : owners) {
      TRELLIS_TRY(auto const text, host_.StoreGet(owner));
      TRELLIS_TRY(auto rope, json::Parse<Rope>(text));
      list.ropes.push_back(std::move(rope));
    }
    return list;
  }

  Result<json::Nothing> Reconcile(Call& call, services::Reconcile const& known) {
    TRELLIS_TRY(auto const held, List(call, {}));
    for (auto const& rope : held.ropes) {
      bool const kept =
          rope.owner.starts_with('@') ||
          std::find(known.owners.begin(), known.owners.end(), rope.owner) != known.owners.end();
      if (kept) continue;
      host_.Warn("released a rope of nobody", {{"owner", rope.owner.c_str()}});
      TRELLIS_CHECK(host_.StoreRemove(rope.owner));
    }
    return json::Nothing{};
  }

  /// open{owner}: the file of a rope, as a descriptor.
  Result<std::string> Open(std::string_view request, std::vector<std::int32_t>& fds_out) {
    TRELLIS_TRY(auto const wanted, json::Parse<RopeRequest>(request));
    auto const path = host_.state_dir() + "/" + wanted.owner;
    auto& file = files_[wanted.owner];  // kept: the host duplicates it after this returned
    if (file.get() < 0) file = ReceivedFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (file.get() < 0) return Fail(Code::kIo, "cannot open the rope of '{}'", wanted.owner);
    fds_out.push_back(file.get());
    return std::string("{}");
  }

 private:
  Host host_;
  std::map<std::string, ReceivedFd> files_;
};

struct Sail {
  std::uint32_t metres = 0;
  Result<void> Valid(WorkloadGetter const&) const { return {}; }
  void Challenge(ChallengeWriter& out) const { out.Add(metres); }
  trellis::Capacity Capacity() const { return {}; }
};
BOOST_DESCRIBE_STRUCT(Sail, (), (metres))

class Sails {
 public:
  explicit Sails(Host host) : host_(host) {}

  Result<Outcome<Rope>> Provision(Call& call, Workload<Sail> const& sail) {
    RopeRequest const wanted{std::string(sail.id), sail.data.metres};
    TRELLIS_TRY(auto rope, host_.CallService<Rope>(call, kRope, "tie", wanted));
    return Outcome<Rope>(std::move(rope));
  }
  Result<void> Deprovision(Call& call, Workload<Sail> const& sail) {
    RopeRequest const mine{std::string(sail.id), 0};
    TRELLIS_CHECK(host_.CallService<json::Nothing>(call, kRope, "untie", mine));
    return {};
  }
  Result<Observed> Inspect(Call&, Workload<Sail> const&) { return Observed::Running(); }
  Result<std::vector<std::string>> ListOwned(Call&) { return std::vector<std::string>(); }

 private:
  Host host_;
};

class RiggingPlugin {
 public:
  static constexpr char const* kManifest = R"({"manifest":1,"name":"rigging","version":"1.0.0",
    "services":{"provides":["acme.rope/1"],"requires":[],"wants":["acme.rope/1"]}})";

  static Result<std::unique_ptr<RiggingPlugin>> Create(Host host, Config const&) {
    auto plugin = std::make_unique<RiggingPlugin>(host);
    auto& ropes = plugin->ropes_;
    ServiceTable table;
    table
        .Add<RopeRequest, Rope>(
            "tie", [&ropes](Call& call, auto const& body) { return ropes.Tie(call, body); })
        .Add<RopeRequest, json::Nothing>(
            "untie", [&ropes](Call& call, auto const& body) { return ropes.Untie(call, body); })
        .Add<json::Nothing, RopeList>(
            "list", [&ropes](Call& call, auto const& body) { return ropes.List(call, body); })
        .Add<services::Reconcile, json::Nothing>(
            "reconcile",
            [&ropes](Call& call, auto const& body) { return ropes.Reconcile(call, body); });
    TRELLIS_CHECK(host.RegisterService(
        kRope,
        [&ropes, table](Call& call, std::string_view method, std::string_view request, auto fds,
                        auto& fds_out) -> Result<std::string> {
          if (method == "open") return ropes.Open(request, fds_out);
          return table(call, method, request, fds, fds_out);
        }));
    TRELLIS_CHECK(host.RegisterType<Sail>("sail", plugin->sails_));
    return plugin;
  }
  explicit RiggingPlugin(Host host) : ropes_(host), sails_(host) {}

 private:
  Ropes ropes_;
  Sails sails_;
};
TRELLIS_PLUGIN(RiggingPlugin, "rigging", "1.0.0")

namespace {

class ServiceExample : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(host_.Load(*trellis_plugin_v1())); }
  std::vector<std::string> Owners() {
    std::vector<std::string> owners;
    auto const list = host_.CallService<RopeList>(kRope, "list", json::Nothing{});
    for (auto const& rope : list.value().ropes)
      owners.push_back(rope.owner);
    return owners;
  }
  trellis::testing::FakeHost host_;
};

TEST_F(ServiceExample, LendsTheSameToTheSameOwner) {
  EXPECT_EQ(host_.Provision("sail", "1-2-main", R"({"metres":9})").status, TRL_OK);
  EXPECT_EQ(host_.Provision("sail", "1-2-main", R"({"metres":9})").status, TRL_OK);
  EXPECT_EQ(Owners(), std::vector<std::string>{"1-2-main"});
  EXPECT_EQ(host_.Deprovision("sail", "1-2-main").status, TRL_OK);
  EXPECT_EQ(host_.Deprovision("sail", "1-2-main").status, TRL_OK);
  EXPECT_TRUE(Owners().empty());
}

TEST_F(ServiceExample, ReleasesWhatNobodyOwns) {
  for (auto const* owner : {"1-2-main", "1-2-gone", "@other/spare"})
    ASSERT_TRUE(host_.CallService<Rope>(kRope, "tie", RopeRequest{owner, 1}));
  ASSERT_TRUE(
      host_.CallService<json::Nothing>(kRope, "reconcile", services::Reconcile{{"1-2-main"}}));
  EXPECT_EQ(Owners(), (std::vector<std::string>{"1-2-main", "@other/spare"}));
}

TEST_F(ServiceExample, PassesADescriptor) {
  auto const reply = host_.CallService(kRope, "open", R"({"owner":"1-2-main"})");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->fds.size(), 1U);
}

}  // namespace
