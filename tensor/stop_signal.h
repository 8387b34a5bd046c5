// SPDX-License-Identifier: Apache-2.0
// SIGINT and SIGTERM: what a person's Ctrl-C and a queue's end of time ask for.
#pragma once

#include <string>

namespace cawe {

/// First thing in a program: until stop_signal() is called, SIGINT and SIGTERM print one line and end the process
/// with 128 + the signal's number. Nothing has to be saved then. SIGXFSZ (a limit on the size of files) is ignored,
/// here and by programs that are started: what writes says so, with its file's name.
void end_on_signals();

/// The signal that asked to stop, or 0. From the first call on, the first signal is recorded instead of ending the
/// process, for work that ends itself in good order; a second one, the same or the other, ends the process at once.
int stop_signal();

/// Throws Code::interrupted, "WHAT: stopped by a signal", where one asked to stop. For loops that have nothing to
/// save but files to take back.
void check_stop(const std::string& what);

}  // namespace cawe
