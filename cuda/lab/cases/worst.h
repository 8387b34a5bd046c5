// SPDX-License-Identifier: Apache-2.0
// Where a case was the most wrong: which comparison, at what place, both values. A case returns one number, and what a GPU
// did wrong once must be mended from what it printed.
#pragma once

#include <cmath>
#include <string>
#include <vector>

namespace CAWE_DEVICE {

void forget_worst();  ///< before a run; on this thread, as all of these
/// Whether the error is larger than all that were remembered; one that is not a number is the largest.
bool is_worst(double error);
void remember_worst(double error, const std::string& text);
/// "" where nothing was wrong, else e.g. "y: got 1.5, expected 2 at 7 (softmax.cpp:30)".
const std::string& worst_of_run();

std::string told(double value);
std::string told(float value);
std::string told(unsigned long long value);  ///< bits, in hexadecimal
template <class Whole>
std::string told(Whole value) {
  return std::to_string(value);
}
std::string told_difference(const std::string& what, const std::string& got, const std::string& expected,
                            const std::string& place, const char* file, int line);

/// Returns `error`, that of a number at `place` (an index, or words), and remembers it with the values where it is the worst.
/// What is not a number is infinite, which no maximum leaves out.
template <class Got, class Expected>
double noted(double error, const std::string& place, const Got& got, const Expected& expected,
             const std::string& what = "", const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (is_worst(error))
    remember_worst(error, told_difference(what, told(got), told(expected), place, file, line));
  return error == error ? error : HUGE_VAL;
}
template <class Got, class Expected>
double noted(double error, size_t index, const Got& got, const Expected& expected,
             const std::string& what = "", const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return is_worst(error) || error != error
             ? noted(error, std::to_string(index), got, expected, what, file, line)
             : error;
}

/// How many pairs of numbers are `wrong` (or all, where sizes differ); remembers the first of them.
template <class Wrong, class T>
double count_where(const Wrong& wrong, const std::vector<T>& a, const std::vector<T>& b,
                   const std::string& what, const char* file, int line) {
  if (a.size() != b.size())
    return noted(double(a.size() > b.size() ? a.size() : b.size()), "the end", a.size(), b.size(),
                 what + " size", file, line);
  double count = 0;
  size_t first = 0;
  for (size_t i = 0; i < a.size(); ++i)
    if (wrong(a[i], b[i]) && count++ == 0) first = i;
  return count > 0 ? noted(count, first, a[first], b[first], what, file, line) : 0;
}

}  // namespace CAWE_DEVICE
