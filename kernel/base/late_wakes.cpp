#include "kernel/base/late_wakes.hpp"

#include <utility>

namespace trellis {

thread_local LateWakes* LateWakes::current_ = nullptr;

LateWakes::~LateWakes() {
  current_ = nullptr;
  for (auto const& wake : wakes_)
    wake();
}

void LateWakes::Wake(std::function<void()> wake) {
  if (current_ == nullptr) return wake();
  current_->wakes_.push_back(std::move(wake));
}

}  // namespace trellis
