// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "train/classifier_task.h"
namespace cawe::train {
inline std::string train_colorizer(Recipe&, const RunRequest&) { fail(Code::unsupported, "colorizer"); }
}  // namespace cawe::train
