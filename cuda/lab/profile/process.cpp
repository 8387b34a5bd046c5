// SPDX-License-Identifier: Apache-2.0
#include "cuda/lab/profile/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tensor/error.h"

extern char** environ;

namespace cawe::gpu {
namespace {

/// A pipe whose ends close with it and are not inherited.
class Pipe {
 public:
  Pipe() {
    CAWE_CHECK(::pipe2(ends_, O_CLOEXEC) == 0, Code::io, "cannot make a pipe: ", std::strerror(errno));
  }
  ~Pipe() {
    close_writer();
    ::close(ends_[0]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int reader() const { return ends_[0]; }
  int writer() const { return ends_[1]; }
  void close_writer() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }

 private:
  int ends_[2] = {-1, -1};
};

pid_t start(const std::vector<std::string>& arguments, const Pipe& out, const Pipe& err) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.writer(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.writer(), STDERR_FILENO);
  pid_t child = 0;
  const int error = ::posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  CAWE_CHECK(error == 0, Code::io, "cannot start ", arguments[0], ": ", std::strerror(error));
  return child;
}

/// Reads both until both are at their end: a full pipe that nobody reads would stop the program.
void drain(const Pipe& out, const Pipe& err, Finished& finished) {
  pollfd polled[2] = {{out.reader(), POLLIN, 0}, {err.reader(), POLLIN, 0}};
  std::string* texts[2] = {&finished.out, &finished.err};
  char buffer[16384];
  while (polled[0].fd >= 0 || polled[1].fd >= 0) {
    if (::poll(polled, 2, -1) < 0 && errno != EINTR) return;
    for (int i = 0; i < 2; ++i) {
      if (polled[i].fd < 0 || polled[i].revents == 0) continue;
      const ssize_t got = ::read(polled[i].fd, buffer, sizeof buffer);
      if (got > 0)
        texts[i]->append(buffer, static_cast<size_t>(got));
      else if (got == 0 || errno != EINTR)
        polled[i].fd = -1;  // poll passes over it
    }
  }
}

}  // namespace

Finished run_program(const std::vector<std::string>& arguments) {
  CAWE_CHECK(!arguments.empty(), Code::internal, "run_program: no program given");
  Pipe out, err;
  const pid_t child = start(arguments, out, err);
  out.close_writer();  // else the end of the program's output would never be seen
  err.close_writer();
  Finished finished;
  drain(out, err, finished);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    CAWE_CHECK(errno == EINTR, Code::io, "cannot wait for ", arguments[0], ": ", std::strerror(errno));
  CAWE_CHECK(WIFEXITED(status), Code::io, arguments[0], " was ended by signal ", WTERMSIG(status));
  finished.exit_code = WEXITSTATUS(status);
  return finished;
}

}  // namespace cawe::gpu
