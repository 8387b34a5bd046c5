// SPDX-License-Identifier: Apache-2.0
// Kernel files from outside the tree: compiled by g++ for the emulator, loaded, run as a case.
#pragma once

#include <string>

#include "cuda/lab/cases/case.h"

namespace cawe::kernel_report {

/// Folder of cawe's sources: $CAWE_SOURCE, else the one that this program was built from.
std::string source_root();

/// A compiled kernel file. The case calls its cawe_run(); floors are known after the first run.
class OutsideKernel {
 public:
  /// Throws Error(data) with the compiler's first complaint, Error(usage) where there is no compiler.
  explicit OutsideKernel(const std::string& file);
  ~OutsideKernel();
  OutsideKernel(const OutsideKernel&) = delete;
  OutsideKernel& operator=(const OutsideKernel&) = delete;
  const on_emulator::Case& kernel_case() const { return case_; }

 private:
  void* library_ = nullptr;
  std::string folder_;
  on_emulator::Case case_;
};

/// Writes the template to start from. Throws Error(usage) where the file exists.
void write_template(const std::string& file);

}  // namespace cawe::kernel_report
