// SPDX-License-Identifier: Apache-2.0
// Why each of several choices was refused, in one text.
#pragma once

#include <memory>
#include <string>

#include "tensor/error.h"

namespace CAWE_DEVICE {

/// Why no choice is left, made once for all calls that come after.
using Refusal = std::shared_ptr<const std::string>;

/// Collects reasons, and only counts those that come after `most` characters.
class Refusals {
 public:
  explicit Refusals(size_t most = 1500) : most_(most) {}
  void add(const std::string& choice, const std::string& reason) {
    if (text_.size() >= most_)
      ++left_out_;
    else
      text_ += detail::concat(text_.empty() ? "" : "; ", choice, ": ", reason);
  }
  bool empty() const { return text_.empty(); }
  std::string text() const {
    return left_out_ == 0 ? text_ : detail::concat(text_, "; and ", left_out_, " more");
  }

 private:
  size_t most_;
  size_t left_out_ = 0;
  std::string text_;
};

}  // namespace CAWE_DEVICE
