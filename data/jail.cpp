// SPDX-License-Identifier: Apache-2.0
// The parent's side: a pool of children, one film at a time in each.
#include "data/jail.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <memory>
#include <mutex>
#include <vector>

#include "data/jail_messages.h"

extern char** environ;

namespace cawe::data {
namespace {

using Clock = std::chrono::steady_clock;

/// One child process.
class Child {
 public:
  explicit Child(const std::string& program) {
    int ends[2];
    CAWE_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, Code::io,
               "a process for decoding cannot be reached (too many open files?)");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 0);
    std::string name = program, argument = kDecoderArgument;
    char* argv[] = {name.data(), argument.data(), nullptr};
    const int failed = ::posix_spawn(&process_, program.c_str(), &actions, nullptr, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    socket_ = ends[0];
    if (failed != 0) {
      process_ = -1;
      ::close(socket_);
      fail(Code::io, program, ": cannot be started for decoding");
    }
  }
  ~Child() {
    ::close(socket_);
    end();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Sends a request and returns the answer; "" where the child ended or `until` passed, with the reason.
  std::string ask(const std::string& request, Clock::time_point until, std::string* why) {
    std::string framed(sizeof(uint64_t), '\0');
    const uint64_t length = request.size();
    std::memcpy(framed.data(), &length, sizeof length);
    if (!move(framed.data(), framed.size(), true, until) ||
        !move(const_cast<char*>(request.data()), request.size(), true, until))
      return broken(until, why);
    uint64_t size = 0;
    if (!move(&size, sizeof size, false, until) || size > kDecodeBytes) return broken(until, why);
    std::string answer(size_t(size), '\0');
    return move(answer.data(), answer.size(), false, until) ? answer : broken(until, why);
  }

 private:
  /// Sends or receives all bytes; false where the other side is gone or time is up.
  bool move(void* data, size_t bytes, bool out, Clock::time_point until) {
    char* at = static_cast<char*>(data);
    while (bytes > 0) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
      pollfd wait{socket_, short(out ? POLLOUT : POLLIN), 0};
      const int ready = left > 0 ? ::poll(&wait, 1, int(std::min<int64_t>(left, 3600000))) : 0;
      if (ready < 0 && errno == EINTR) continue;
      if (ready <= 0) return false;
      const ssize_t done = out ? ::send(socket_, at, bytes, MSG_NOSIGNAL | MSG_DONTWAIT)
                               : ::recv(socket_, at, bytes, MSG_DONTWAIT);
      if (done < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (done <= 0) return false;
      at += done;
      bytes -= size_t(done);
    }
    return true;
  }

  std::string broken(Clock::time_point until, std::string* why) {
    const bool late = Clock::now() >= until;
    const int status = end();
    *why = late                  ? "took too long"
           : WIFSIGNALED(status) ? "was ended by signal " + std::to_string(WTERMSIG(status))
                                 : "ended with status " + std::to_string(WEXITSTATUS(status));
    return "";
  }

  int end() {
    int status = 0;
    if (process_ <= 0) return status;
    if (::waitpid(process_, &status, WNOHANG) == 0) {
      // One that ended by itself needs a moment until it can be waited for.
      for (int i = 0; i < 20 && ::waitpid(process_, &status, WNOHANG) == 0; ++i) ::usleep(1000);
      ::kill(process_, SIGKILL);
      ::waitpid(process_, &status, 0);
    }
    process_ = -1;
    return status;
  }

  pid_t process_ = -1;
  int socket_ = -1;
};

struct Pool {
  std::mutex mutex;
  std::string program;
  std::vector<std::unique_ptr<Child>> idle;
};
Pool& pool() {
  static Pool one;
  return one;
}

/// Asks a child; it is kept for the next film only if it answered.
std::string ask(const std::string& request, const std::string& name, size_t bytes) {
  std::unique_ptr<Child> child;
  std::string program;
  {
    const std::lock_guard<std::mutex> lock(pool().mutex);
    program = pool().program;
    if (!pool().idle.empty()) {
      child = std::move(pool().idle.back());
      pool().idle.pop_back();
    }
  }
  if (child == nullptr) child = std::make_unique<Child>(program);
  const double seconds = kDecodeSeconds + double(bytes) / double(1 << 20);
  std::string why;
  const std::string answer =
      child->ask(request, Clock::now() + std::chrono::milliseconds(int64_t(seconds * 1000)), &why);
  if (!why.empty())
    refuse_picture("decoder_failed", name, ": its decoder ", why, " (of at most ", int(seconds), " s and ",
                   kDecodeBytes >> 30, " GiB)");
  const std::lock_guard<std::mutex> lock(pool().mutex);
  pool().idle.push_back(std::move(child));
  return answer;
}

/// What `get` reads from the answer; throws what the child threw.
template <class Get>
auto decode(jail::Ask what, std::string_view bytes, const std::string& name, const ReadOptions& options,
            const Get& get) {
  jail::Message request;
  request.number(what);
  request.number(uint8_t(options.allow_damaged));
  request.number(uint8_t(options.as_stored));
  request.text(name);
  request.text(bytes);
  const std::string answer = ask(request.bytes(), name, bytes.size());
  std::string kind, message;
  int code = 0;
  try {
    jail::Reader reader(answer);
    const auto status = reader.number<jail::Answer>();
    if (status == jail::Answer::done) return get(&reader);
    if (status == jail::Answer::picture_error) kind = reader.text();
    if (status == jail::Answer::error) code = reader.number<int>();
    message = reader.text();
  } catch (const Error& error) {
    refuse_picture("decoder_failed", name, ": its decoder gave ", error.what());
  }
  if (kind == "decoder_failed") refuse_picture("decoder_failed", name, ": ", message);
  if (!kind.empty()) throw PictureError(kind, message);
  const bool known = code == int(Code::unsupported) || code == int(Code::io);
  throw Error(known ? Code(code) : Code::data, message);
}

}  // namespace

void decode_in_jail(const std::string& program) {
  const std::lock_guard<std::mutex> lock(pool().mutex);
  pool().program = program;
  pool().idle.clear();
}

bool decoding_is_jailed() {
  const std::lock_guard<std::mutex> lock(pool().mutex);
  return !pool().program.empty();
}

Film film_of(std::string_view bytes, const std::string& name, const ReadOptions& options) {
  if (!decoding_is_jailed()) return parse_film(bytes, name, options);
  return decode(jail::Ask::film, bytes, name, options, jail::get_film);
}

Picture picture_of(std::string_view bytes, const std::string& name, const ReadOptions& options) {
  if (!decoding_is_jailed()) return parse_picture(bytes, name, options);
  return decode(jail::Ask::picture, bytes, name, options, jail::get_picture);
}

}  // namespace cawe::data
