// One plugin, and what its types say.
#pragma once

#include "tests/support/fake_host.hpp"
#include "tests/support/own_namespaces.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace trellis::plugins {

class TypeLab {
 public:
  explicit TypeLab(std::string_view plugin) {
    std::string config = "{}";
    if (plugin == kNetwork) {
      // It makes links and namespaces as soon as it starts, where it may.
      if (::geteuid() == 0) testing::EnterOwnNamespaces();
      config = R"({"netns_dir":")" + host.dir() + R"(/netns"})";
    }
    auto const loaded = host.Load(testing::FakeHost::BuiltPlugin(plugin), config);
    if (!loaded) ADD_FAILURE() << loaded.error().message;
    teardown_ = plugin == kNetwork;
  }
  ~TypeLab() {
    if (!teardown_) return;
    EXPECT_TRUE(host.Command("zos.network.teardown", "null"));
  }
  TypeLab(TypeLab const&) = delete;
  TypeLab& operator=(TypeLab const&) = delete;

  /// `ok`, `decode`, or the reason code.
  std::string Verdict(std::string_view type, std::string_view data) {
    auto const valid = host.Valid(type, data);
    if (valid) return "ok";
    if (valid.error().code == Code::kDecode) return "decode";
    auto const& text = valid.error().message;
    return text.substr(1, text.find(']') - 1);
  }
  std::string Challenge(std::string_view type, std::string_view data) {
    auto challenge = host.Challenge(type, data);
    return challenge ? *std::move(challenge) : "error: " + challenge.error().message;
  }

  testing::FakeHost host;

 private:
  static constexpr std::string_view kNetwork = "network";
  bool teardown_ = false;
};

}  // namespace trellis::plugins
