// SPDX-License-Identifier: Apache-2.0
// Small text helpers: nearest valid name for an error message, text of strangers made printable, a progress bar with ETA.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cawe {

/// The candidate with the smallest Levenshtein distance to `name`; "" where all are further than a third of
/// the longer word's length plus two (then a guess would only confuse).
std::string nearest_name(const std::string& name, const std::vector<std::string>& candidates);

/// The text with A to Z in lower case; everything else, also letters of other alphabets, stays.
std::string lower(std::string text);

/// Text from a file, a file's name or a command line as it may stand in one line of a terminal or a log: control
/// characters, invalid UTF-8 and marks that turn the direction of writing become "\\x1b" or "\\u202e", a line
/// break becomes a blank, and of more than `most` bytes the middle is left out ("…").
std::string printable(std::string_view text, size_t most = 600);

/// Bytes of the UTF-8 character that `text` begins with, and its number; 0 where it is none. `text` is not empty.
size_t utf8_character(std::string_view text, uint32_t* character);
/// Whether a character moves a terminal's cursor, sets colours, cannot be seen or turns the direction of writing.
bool is_control(uint32_t character);
/// True where the bytes are well-formed UTF-8 (no overlong forms, no surrogates).
bool is_utf8(std::string_view text);

inline bool begins_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}
inline bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

/// "a, b, c", and of more than `most` "a, b and 7 more".
std::string listed(const std::vector<std::string>& items, const std::string& between = ", ",
                   size_t most = 10);

/// Words of a command line as a POSIX shell reads them back: blanks between, and quotes around what it would take
/// apart or expand ("it's" becomes 'it'\''s').
std::string shell_text(const std::vector<std::string>& words);

/// "1 film", "2 films"; of a word that takes more than an s `many` is given ("box", "boxes").
std::string counted(int64_t number, const std::string& one, const std::string& many = "");

/// "cawe: warning: TEXT" on stderr, printable, once in this process however often it is given. Thread-safe.
void warn_once(const std::string& text);

/// "1 h 02 min", "3 min 10 s", "4.2 s"
std::string format_duration(double seconds);

/// A bar with rate and ETA on stderr for work over two seconds. On a terminal it redraws one line, elsewhere
/// it writes a line every ten seconds. Not thread-safe.
class Progress {
 public:
  Progress(std::string label, int64_t total, bool quiet = false);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// `note` stands behind the bar, e.g. "loss 0.412".
  void update(int64_t done, const std::string& note = "");

 private:
  std::string label_;
  int64_t total_;
  bool quiet_, terminal_, drawn_ = false;
  double start_, last_;
};

}  // namespace cawe
