// SPDX-License-Identifier: Apache-2.0
// The one exception type of the project and the macro that throws it.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace cawe {

/// Why something failed. The program's exit code follows from it (see exit_code()).
enum class Code {
  usage,        ///< wrong command line or recipe: exit 2
  data,         ///< a file from outside is bad: exit 3
  leak,         ///< a test patient trained a model of the chain: exit 3
  io,           ///< reading or writing failed (disk full, permission): exit 1
  shape,        ///< tensor shapes do not fit: exit 1
  dtype,        ///< element type not supported here: exit 1
  unsupported,  ///< no implementation on this device or in this build: exit 1
  numeric,      ///< a non-finite value where none may be: exit 1
  interrupted,  ///< SIGINT or SIGTERM, state saved: exit 130 or 143
  internal      ///< an invariant of this program is broken: exit 1
};

/// The code as a word, and the exit code of the program that follows from it.
const char* name(Code code);
int exit_code(Code code);

/// An error as one line: what came, what was expected, what to do.
class Error : public std::runtime_error {
 public:
  Error(Code code, const std::string& message) : std::runtime_error(message), code_(code) {}
  Code code() const { return code_; }

 private:
  Code code_;
};

namespace detail {
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}
}  // namespace detail

/// Throws Error(code) with the parts streamed one after another.
template <class... Parts>
[[noreturn]] void fail(Code code, const Parts&... parts) {
  throw Error(code, detail::concat(parts...));
}

}  // namespace cawe

/// CAWE_CHECK(condition, code, parts...): throws where the condition does not hold.
#define CAWE_CHECK(condition, code, ...)                 \
  do {                                                   \
    if (!(condition)) ::cawe::fail((code), __VA_ARGS__); \
  } while (0)
