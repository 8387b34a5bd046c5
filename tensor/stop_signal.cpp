// SPDX-License-Identifier: Apache-2.0
#include "tensor/stop_signal.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

#include "tensor/error.h"

namespace cawe {
namespace {

std::atomic<int> asked_to_stop{0};
std::atomic<bool> recording{false};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free,
              "a signal handler may take no lock");

void on_signal(int signal) {
  if (!recording) {
    const char line[] = "cawe: error: stopped by a signal before there was anything to save.\n";
    const ssize_t ignored = ::write(STDERR_FILENO, line, sizeof line - 1);
    (void)ignored;
    ::_exit(128 + signal);
  }
  int none = 0;
  if (asked_to_stop.compare_exchange_strong(none, signal)) return;
  std::signal(signal, SIG_DFL);  // a second one, of either kind: ends the process when this returns
  ::raise(signal);
}

}  // namespace

void end_on_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on the size of files: writing says so, with the file's name
}

int stop_signal() {
  static const bool installed = [] {
    recording = true;
    end_on_signals();
    return true;
  }();
  (void)installed;
  return asked_to_stop;
}

void check_stop(const std::string& what) {
  CAWE_CHECK(stop_signal() == 0, Code::interrupted, what, ": stopped by a signal");
}

}  // namespace cawe
