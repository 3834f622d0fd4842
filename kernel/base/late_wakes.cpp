#include "kernel/base/late_wakes.hpp"

#include <utility>

namespace trellis {
namespace {

thread_local LateWakes* current = nullptr;

}  // namespace

LateWakes::LateWakes() {
  current = this;
}

LateWakes::~LateWakes() {
  current = nullptr;
  for (auto const& wake : wakes_)
    wake();
}

void LateWakes::Wake(std::function<void()> wake) {
  if (current == nullptr) return wake();
  current->wakes_.push_back(std::move(wake));
}

}  // namespace trellis
