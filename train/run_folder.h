// SPDX-License-Identifier: Apache-2.0
// A run folder that describes itself: recipe.toml, environment.json, log.jsonl, metrics.csv, timings.csv,
// checkpoints/, events.out.tfevents.*. Files that must have the same bytes after a resume hold no times:
// these are only in timings.csv and TensorBoard's events.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "train/tensorboard.h"

namespace cawe::train {

/// Name -> value of one line of log.jsonl; names in alphabetical order, "step" first.
using LogLine = std::map<std::string, double>;

/// What environment.json says beside the facts of the machine.
struct Environment {
  std::string command_line;
  int threads = 1, ranks = 1;
  std::vector<std::pair<std::string, std::string>> hashes;  ///< "data", "classifier", … -> SHA-256
};
/// Versions, CPU, instruction set, source revision, hashes, command line.
std::vector<std::pair<std::string, std::string>> environment_facts(const Environment& environment);
/// These as the text of environment.json.
std::string environment_json(const Environment& environment);

/// Writes the files of a run.
class RunFolder {
 public:
  /// Makes DIR and DIR/checkpoints. Throws usage where DIR holds a run already and `resume` is off, or where
  /// `resume` is on and its recipe.toml differs from `recipe`, or where DIR holds other files; io where it
  /// cannot be made. What a killed process left half-written is removed only where DIR is proved to be a run.
  RunFolder(const std::string& dir, const std::string& recipe, const Environment& environment, bool resume);

  const std::string& dir() const { return dir_; }
  std::string path(const std::string& name) const { return dir_ + "/" + name; }
  /// Appends a line to log.jsonl and its numbers to TensorBoard's events.
  void log(int64_t step, const LogLine& line);
  /// Removes the log's lines after `step`: a resumed run writes them again.
  void rewind(int64_t step);
  /// metrics.csv: a column for every name in the log.
  void write_metrics() const;
  /// Appends "stage,seconds" to timings.csv.
  void timing(const std::string& stage, double seconds) const;

 private:
  std::string dir_;
  TensorBoard events_;
};

/// Sum of the seconds in every timings.csv below `dir`: what all runs of a study took, over all its starts.
double seconds_in(const std::string& dir);

}  // namespace cawe::train
