// SPDX-License-Identifier: Apache-2.0
// Signals that ask to stop: the first is recorded, a second of either kind ends the process.
#include "tensor/stop_signal.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace cawe {
namespace {

/// How a process ends that raises these signals one after the other and then exits with what is recorded.
int end_of(const std::vector<int>& signals) {
  const pid_t child = ::fork();
  if (child == 0) {
    stop_signal();
    for (const int s : signals) ::raise(s);
    ::_exit(stop_signal());
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

TEST(StopSignal, TheFirstIsRecordedAndASecondEnds) {
  for (const int first : {SIGINT, SIGTERM}) {
    const int once = end_of({first});
    EXPECT_TRUE(WIFEXITED(once) && WEXITSTATUS(once) == first) << once;
    for (const int second : {SIGINT, SIGTERM}) {
      const int twice = end_of({first, second});
      EXPECT_TRUE(WIFSIGNALED(twice) && WTERMSIG(twice) == second)
          << first << " then " << second << ": " << twice;
    }
  }
  EXPECT_EQ(end_of({}), 0);
}

}  // namespace
}  // namespace cawe
