// SPDX-License-Identifier: Apache-2.0
#include "tensor/stop_signal.h"

#include <unistd.h>

#include <csignal>

#include "tensor/error.h"

namespace cawe {
namespace {

volatile std::sig_atomic_t asked_to_stop = 0, recording = 0;

void install(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = int(SA_RESETHAND);  // a second signal ends the process at once
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

void on_signal(int signal) {
  if (recording != 0) {
    asked_to_stop = signal;
    return;
  }
  const char line[] = "cawe: error: stopped by a signal before there was anything to save.\n";
  const ssize_t ignored = ::write(STDERR_FILENO, line, sizeof line - 1);
  (void)ignored;
  ::_exit(128 + signal);
}

}  // namespace

void end_on_signals() { install(on_signal); }

int stop_signal() {
  static const bool installed = [] {
    recording = 1;
    install(on_signal);
    return true;
  }();
  (void)installed;
  return asked_to_stop;
}

void check_stop(const std::string& what) {
  CAWE_CHECK(stop_signal() == 0, Code::interrupted, what, ": stopped by a signal");
}

}  // namespace cawe
