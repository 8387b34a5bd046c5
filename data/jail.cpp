// SPDX-License-Identifier: Apache-2.0
// The parent's side: a pool of children, one film at a time in each.
#include "data/jail.h"

#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "data/jail_messages.h"
#include "tensor/text.h"

extern char** environ;

namespace cawe::data {
namespace {

/// How long a child may still keep its parent waiting.
using Patience = std::chrono::microseconds;

/// Why there is no answer. `unread`: the child was gone before it had read the whole film.
struct Lost {
  std::string why;
  bool unread;
};

/// One child process.
class Child {
 public:
  explicit Child(const std::string& program) {
    int ends[2];
    CAWE_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, Code::internal,
               "a process for decoding cannot be reached: ", std::strerror(errno),
               " (ulimit -n: open files)");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], kJailChannel);
    std::string name = program, argument = kDecoderArgument;
    char* argv[] = {name.data(), argument.data(), nullptr};
    const int failed = ::posix_spawn(&process_, program.c_str(), &actions, nullptr, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    socket_ = ends[0];
    if (failed != 0) {
      process_ = -1;
      ::close(socket_);
      fail(Code::internal, program, ": cannot be started for decoding: ", std::strerror(failed));
    }
  }
  ~Child() {
    ::close(socket_);
    end();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Whether an idle one may be asked: it lives, and has said nothing unasked.
  bool waits() const {
    char byte = 0;
    return ::recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EINTR);
  }

  /// Sends a request, the film's bytes behind its head, and returns the answer. Throws Lost.
  std::string ask(std::string_view head, std::string_view film, Patience* left) {
    greet(left);
    uint64_t length = head.size() + film.size();
    send(&length, sizeof length, left);
    send(head.data(), head.size(), left);
    send(film.data(), film.size(), left);
    return receive(jail::kMostAnswer, left);
  }

 private:
  /// A new child says that it is closed in, and whether by a filter of the system's calls.
  void greet(Patience* left) {
    if (greeted_) return;
    const std::string filtered = receive(1, left);
    greeted_ = true;
    if (filtered != jail::kFiltered)
      warn_once(
          "this system or build has no system-call filter: films are decoded in processes with limits of "
          "memory and "
          "time alone");
  }

  void send(const void* data, size_t bytes, Patience* left) {
    for (auto at = static_cast<const char*>(data); bytes > 0;) {
      ready(POLLOUT, left);
      const ssize_t done = ::send(socket_, at, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (done < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (done <= 0) lose(true);
      at += done;
      bytes -= size_t(done);
    }
  }
  void receive(void* data, size_t bytes, Patience* left) {
    for (auto at = static_cast<char*>(data); bytes > 0;) {
      ready(POLLIN, left);
      const ssize_t done = ::recv(socket_, at, bytes, MSG_DONTWAIT);
      if (done < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      // The system says so where an end was closed with bytes in it that nobody had read.
      if (done <= 0) lose(!greeted_ || (done < 0 && errno == ECONNRESET));
      at += done;
      bytes -= size_t(done);
    }
  }
  /// A message: its size, then so many bytes.
  std::string receive(size_t most, Patience* left) {
    uint64_t size = 0;
    receive(&size, sizeof size, left);
    if (size > most) throw Lost{"gave an answer of " + std::to_string(size) + " bytes", false};
    std::string message(size_t(size), '\0');
    receive(message.data(), message.size(), left);
    return message;
  }

  /// Waits until the child can be sent to or heard. It waits in short turns: a turn that lasted far longer was one in
  /// which this process and the child were stopped (Ctrl-Z), which is not the film's fault and does not count.
  void ready(short what, Patience* left) {
    constexpr Patience kTurn = std::chrono::milliseconds(250);
    while (left->count() > 0) {
      const auto turn = std::min(*left, kTurn);
      const auto begin = std::chrono::steady_clock::now();
      pollfd wait{socket_, what, 0};
      const int found = ::poll(&wait, 1, int(turn.count() / 1000) + 1);
      *left -= std::min(std::chrono::duration_cast<Patience>(std::chrono::steady_clock::now() - begin), turn);
      if (found > 0) return;
      if (found < 0 && errno != EINTR) lose(false);
    }
    throw Lost{"took too long", false};
  }

  [[noreturn]] void lose(bool unread) {
    const int status = end();
    throw Lost{WIFSIGNALED(status) ? "was ended by signal " + std::to_string(WTERMSIG(status))
                                   : "ended with status " + std::to_string(WEXITSTATUS(status)),
               unread};
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
  bool greeted_ = false;
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

/// An idle child that can be asked, or null; idle ones that cannot are ended. `program` gets what to start.
std::unique_ptr<Child> idle_child(std::string* program) {
  const std::lock_guard<std::mutex> lock(pool().mutex);
  *program = pool().program;
  while (!pool().idle.empty()) {
    std::unique_ptr<Child> child = std::move(pool().idle.back());
    pool().idle.pop_back();
    if (child->waits()) return child;
  }
  return nullptr;
}

void keep(std::unique_ptr<Child> child) {
  const std::lock_guard<std::mutex> lock(pool().mutex);
  pool().idle.push_back(std::move(child));
}

/// The answer, and in `child` who gave it.
std::string ask(std::string_view head, std::string_view film, const std::string& name,
                std::unique_ptr<Child>* child) {
  const double seconds = jail::seconds_for(film.size());
  auto left = Patience(int64_t(seconds * 1e6));
  for (bool again = false;; again = true) {
    std::string program;
    *child = idle_child(&program);
    const bool fresh = *child == nullptr;
    if (fresh) *child = std::make_unique<Child>(program);
    try {
      return (*child)->ask(head, film, &left);
    } catch (const Lost& lost) {
      if (lost.unread && !fresh) continue;
      if (lost.unread) {  // also the second of them: it is not the film
        if (!again) continue;
        fail(Code::internal, program, ": ", lost.why, " before it had read a film");
      }
      refuse_picture("decoder_failed", name, ": its decoder ", lost.why, " (of at most ", int(seconds),
                     " s and ", kDecodeBytes >> 30, " GiB)");
    }
  }
}

/// What `get` reads from the answer; throws what the child threw. Only a child whose answer was whole, with nothing
/// behind it, gets another film.
template <class Get>
auto decode(jail::Ask what, std::string_view bytes, const std::string& name, const ReadOptions& options,
            const Get& get) {
  const jail::Message head = jail::request_head(what, bytes.size(), name, options);
  std::unique_ptr<Child> child;
  const std::string answer = ask(head.bytes(), bytes, name, &child);
  std::optional<decltype(get(nullptr))> decoded;
  jail::Refusal refusal;
  try {
    jail::Reader reader(answer);
    const auto status = reader.number<jail::Answer>();
    if (status == jail::Answer::done)
      decoded = get(&reader);
    else
      refusal = jail::get_refusal(status, &reader);
    CAWE_CHECK(reader.empty(), Code::data, "an answer with more behind it");
  } catch (const Error& error) {
    refuse_picture("decoder_failed", name, ": its decoder gave ", error.what());
  }
  keep(std::move(child));
  if (decoded) return std::move(*decoded);
  if (refusal.kind == "decoder_failed") refuse_picture("decoder_failed", name, ": ", refusal.message);
  if (!refusal.kind.empty()) throw PictureError(refusal.kind, refusal.message);
  throw Error(refusal.code, refusal.message);
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
