// One plugin, and what its types say.
#pragma once

#include "tests/support/fake_host.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace trellis::plugins {

class TypeLab {
 public:
  explicit TypeLab(std::string_view plugin) {
    auto const loaded = host.Load(testing::FakeHost::BuiltPlugin(plugin));
    if (!loaded) ADD_FAILURE() << loaded.error().message;
  }

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
};

}  // namespace trellis::plugins
