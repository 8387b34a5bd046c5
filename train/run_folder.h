// SPDX-License-Identifier: Apache-2.0
// A run folder that describes itself: recipe.toml, environment.json, log.jsonl, metrics.csv, timings.csv,
// checkpoints/, events.out.tfevents.*. Files that must have the same bytes after a resume hold no times:
// these are only in timings.csv and TensorBoard's events.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tensor/io/folder_claim.h"
#include "tensor/io/json.h"
#include "train/checkpoint.h"
#include "train/tensorboard.h"

namespace cawe::train {

/// Name -> value of one line of log.jsonl; names in alphabetical order, "step" first.
using LogLine = std::map<std::string, double>;

/// Names and SHA-256 of what a run is made from: "data", "split", "init", "classifier", …
using Hashes = std::vector<std::pair<std::string, std::string>>;

/// What environment.json says beside the facts of the machine.
struct Environment {
  std::string command_line;  ///< as a shell reads it back (shell_text); paths from where it was given
  int threads = 1, ranks = 1;
  Hashes hashes;
  std::vector<std::string> warnings;  ///< of the data and the split, as sentences
  std::vector<std::string> changes;   ///< what resumes with --accept-changes let pass, as sentences
};
/// Versions, CPU, instruction set, source revision, hashes, command line.
std::vector<std::pair<std::string, std::string>> environment_facts(const Environment& environment);
/// These as the text of environment.json.
std::string environment_json(const Environment& environment);

/// How a run that is there already is gone on with.
struct Resume {
  bool on = false;
  bool accept_changes = false;  ///< go on although the recipe, the data or the weights are others now
  bool quiet = false;           ///< no warnings on stderr
  /// More differences, which the caller found in what the folder holds. Accepted once, they are no change any more.
  std::vector<std::string> found;
  /// Called before accepted changes are written down; throws where they may not be accepted. What it returns is kept
  /// as warnings.
  std::function<std::vector<std::string>()> check;
};

/// DIR/environment.json; null where it is missing or damaged.
Json environment_in(const std::string& dir);
/// Whether DIR is a run's folder, by its marker or as one of before there were markers.
bool is_run(const std::string& dir);
/// True where DIR holds a run or a study of this program from before folders had markers: a recipe.toml and an
/// environment.json that this program wrote.
bool is_older_folder(const std::string& dir);

/// Writes the files of a run.
class RunFolder {
 public:
  /// Claims DIR (tensor/io/folder_claim.h) and makes DIR/checkpoints. A run that was stopped after any of its
  /// writes can be resumed. Throws usage where DIR holds a run already and `resume` is off; where recipe, data,
  /// split or weights are not those that it has trained with, naming each difference, unless changes are
  /// accepted: then accept() keeps them in environment.json. Where nothing was trained yet, they are taken over. Other
  /// libraries and instruction sets are a warning, and kept there, too.
  RunFolder(const std::string& dir, const std::string& recipe, const Environment& environment,
            const Resume& resume);

  /// Throws data, naming the file, where a checkpoint in the folder is another run's: its recipe (seed, keys of the
  /// data, everything but where files lie) is not the run's, apart from what was changed and accepted.
  void check_own(const Checkpoint& checkpoint, const std::string& file) const;
  /// Changes that came after a checkpoint of the run, as sentences: what its recipe says otherwise, and what was
  /// accepted since. Not those of the machine, which computes the same but for last bits.
  std::vector<std::string> changes_since(const Checkpoint& checkpoint) const;
  /// Writes a file that says what the run is made from: at once, or where accepted changes wait for it, by accept().
  void describe(const std::string& name, const std::string& text);
  /// Writes what waits for it: the changes are accepted, and the checkpoint goes on with them.
  void accept();

  const std::string& dir() const { return dir_; }
  std::string path(const std::string& name) const { return dir_ + "/" + name; }
  /// Appends a line to log.jsonl and its numbers to TensorBoard's events.
  void log(int64_t step, const LogLine& line);
  /// Steps until the checkpoint's that its recipe and recipe.toml log, of which log.jsonl has no line: lines are written
  /// before checkpoints, but are not flushed to the disk as these are.
  std::vector<std::string> steps_not_logged(const Checkpoint& checkpoint) const;
  /// Removes the log's lines after `step`: a resumed run writes them again.
  void rewind(int64_t step);
  /// metrics.csv: a column for every name in the log; no row where that is lost.
  void write_metrics() const;
  /// The newest value of a name in the log; NaN where there is none.
  double last_logged(const std::string& name) const;
  /// Appends "stage,seconds" to timings.csv.
  void timing(const std::string& stage, double seconds) const;

 private:
  void begin(const Environment& environment) const;

  std::string dir_, recipe_;
  std::vector<std::string> changes_;        ///< accepted until now
  std::map<std::string, std::string> due_;  ///< files that accept() writes
  FolderClaim claim_;
  TensorBoard events_;
};

/// Sum of the seconds in the timings.csv of `dir` and of the runs in it: what a study took, over all its starts.
double seconds_in(const std::string& dir);

}  // namespace cawe::train
