#include "tests/unit/plugins/types/type_lab.hpp"

namespace trellis::plugins {
namespace {

class ZlogsType : public ::testing::Test {
 protected:
  ZlogsType() {
    Add("vm", "zmachine");
    Add("light", "zmachine-light");
    Add("log", "zlogs");
  }
  void Add(std::string name, std::string type) {
    WorkloadView view;
    view.id = "1-1-" + name;
    view.name = std::move(name);
    view.type = std::move(type);
    lab_.host.SetWorkload(std::move(view));
  }
  std::string Verdict(std::string_view output, std::string_view machine = "vm") {
    return lab_.Verdict("zlogs",
                        json::Dump(json::Encode(std::map<std::string, std::string>{
                            {"zmachine", std::string(machine)}, {"output", std::string(output)}})));
  }
  TypeLab lab_{"zlogs"};
};

TEST_F(ZlogsType, StreamsOnlyOfAMachine) {
  EXPECT_EQ(Verdict("redis://h/c"), "ok");
  for (auto const* other : {"light", "log", "nobody", "", "a-b"})
    EXPECT_EQ(Verdict("redis://h/c", other), "zlogs_zmachine") << other;
}

TEST_F(ZlogsType, StreamsToRedisAndWebsockets) {
  for (auto const* good : {"redis://h/c", "WS://h/p", "wss://h", "redis://h", "ws:///x",
                           "redis:opaque", "ws://user:pw@[::1]:8080/a%20b?q#f", "ws://h:70000/"})
    EXPECT_EQ(Verdict(good), "ok") << good;
  for (auto const* other : {"http://h", "h:9000", "", "redis", "redis+x://h", "/path"})
    EXPECT_EQ(Verdict(other), "zlogs_scheme") << other;
}

TEST_F(ZlogsType, RefusesWhatIsNoUrl) {
  for (auto const* bad : {"10.0.0.1:80", "ws://h\n", "ws://h\x7f", "ws://h/%zz", "ws://h/%2",
                          "ws://h#%", "ws://a b/", "ws://h:port/", "ws://[::1", ":x", "1ws://h"})
    EXPECT_EQ(Verdict(bad), "zlogs_url") << bad;
}

TEST_F(ZlogsType, DependsOnItsMachineAndHashesBothTexts) {
  constexpr auto kData = R"({"zmachine":"vm","output":"ws://h"})";
  EXPECT_EQ(lab_.Challenge("zlogs", kData), "vmws://h");
  EXPECT_EQ(lab_.host.Dependencies("zlogs", kData).value(), (std::vector<std::string>{"vm"}));
  EXPECT_EQ(lab_.host.CapacityOf("zlogs", kData).value(), Capacity{});
}

}  // namespace
}  // namespace trellis::plugins
