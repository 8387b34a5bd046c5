// SPDX-License-Identifier: Apache-2.0
// The schema in words, for the documentation and for `cawe recipe`.
#pragma once

#include <string>

#include "train/schema/schema.h"

namespace cawe::train {

/// "all", "classifier, detectors".
std::string tasks_text(TaskBits bits);
/// A default as TOML writes it, or in words; "needed: …" where a recipe has to give the key.
std::string default_text(const Rule& rule);
/// The defaults in the tasks of `bits`: "0.002 (classifier), 0.001 (detectors)".
std::string defaults_text(const Key& key, TaskBits bits);
/// Type, bounds and unit: "number, 0 to 100", "one of f32, bf16, f16".
std::string values_text(const Key& key, TaskBits bits);
/// Other keys that this one depends on: "only with train.optimizer = adam, adamw", "unless init = random"; ""
/// for none.
std::string condition_text(const Key& key, TaskBits bits);

/// The tables of docs/recipes.md: a heading and a table a group, all tasks.
std::string schema_markdown();

}  // namespace cawe::train
