// SPDX-License-Identifier: Apache-2.0
// The child's side: closes itself in, then decodes.
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <initializer_list>
#include <new>
#include <utility>
#include <vector>

#include "data/formats/dicom/characters.h"
#include "data/formats/dicom/elements.h"
#include "data/jail.h"
#include "data/jail_messages.h"
#include "tensor/parallel.h"

#ifdef CAWE_HAVE_SECCOMP
#include <seccomp.h>
#endif

namespace cawe::data {
namespace {

void limit(int what, rlim_t most) {
  const rlimit both{most, most};
  ::setrlimit(__rlimit_resource_t(what), &both);
}

/// Leaves the channel alone open.
void close_descriptors() {
  const int nowhere = ::open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; ++fd)
    if (nowhere < 0 || ::dup2(nowhere, fd) < 0) ::close(fd);
#ifdef SYS_close_range
  if (::syscall(SYS_close_range, unsigned(kJailChannel + 1), ~0u, 0u) == 0) return;
#endif
  std::vector<int> others;  // kernels before 5.9
  DIR* folder = ::opendir("/proc/self/fd");
  while (const dirent* entry = folder == nullptr ? nullptr : ::readdir(folder))
    if (const int fd = std::atoi(entry->d_name); fd > kJailChannel) others.push_back(fd);
  if (folder != nullptr) ::closedir(folder);
  for (const int fd : others) ::close(fd);
}

#ifdef CAWE_HAVE_SECCOMP
/// What computing, allocating, answering and ending need.
bool allow_computing(scmp_filter_ctx filter) {
  const auto allow = [&](int call, std::initializer_list<scmp_arg_cmp> where = {}) {
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, unsigned(where.size()), where.begin()) == 0;
  };
  bool good = true;
  for (const int call :
       {SCMP_SYS(read),           SCMP_SYS(write),          SCMP_SYS(recvfrom),    SCMP_SYS(sendto),
        SCMP_SYS(munmap),         SCMP_SYS(mremap),         SCMP_SYS(madvise),     SCMP_SYS(brk),
        SCMP_SYS(futex),          SCMP_SYS(exit),           SCMP_SYS(exit_group),  SCMP_SYS(setitimer),
        SCMP_SYS(rt_sigreturn),   SCMP_SYS(rt_sigprocmask), SCMP_SYS(sched_yield), SCMP_SYS(clock_gettime),
        SCMP_SYS(gettimeofday),   SCMP_SYS(getpid),         SCMP_SYS(gettid),      SCMP_SYS(getrandom),
        SCMP_SYS(restart_syscall)})
    good = good && allow(call);
  // Memory that can be run is neither made nor got.
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)})
    good = good && allow(call, {SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)});
  if (kSanitized) good = good && allow(SCMP_SYS(sigaltstack));
  // abort() sends itself a signal; nobody else gets one.
  return good && allow(SCMP_SYS(tgkill), {SCMP_A0(SCMP_CMP_EQ, scmp_datum_t(::getpid()))});
}
#endif

/// Decodes a film and a JPEG of a few bytes: what decoders load or register when they are first used is there before
/// nothing can be opened any more.
void warm_decoders() {
  const std::string body = [] {
    std::string b;
    dicom_element(b, 0x0028, 0x0002, "US", dicom_us(1));
    dicom_element(b, 0x0028, 0x0004, "CS", "MONOCHROME2");
    dicom_element(b, 0x0028, 0x0010, "US", dicom_us(1));
    dicom_element(b, 0x0028, 0x0011, "US", dicom_us(2));
    dicom_element(b, 0x0028, 0x0100, "US", dicom_us(8));
    dicom_element(b, 0x0028, 0x0101, "US", dicom_us(8));
    dicom_element(b, 0x0028, 0x0102, "US", dicom_us(7));
    dicom_element(b, 0x0028, 0x0103, "US", dicom_us(0));
    dicom_element(b, 0x7FE0, 0x0010, "OW", "ab");
    return b;
  }();
#ifdef CAWE_HAVE_DCMTK
  keep_character_sets();
#endif
  try {
    parse_film(dicom_file("1.2.840.10008.5.1.4.1.1.1", "2.25.1", body), "warm-up");
  } catch (const Error&) {  // a build without DICOM
  }
  try {
    parse_picture("\xFF\xD8\xFF\xD9", "warm-up");
  } catch (const Error&) {  // it is no whole JPEG
  }
}

/// A film on which this process hangs ends it, also where nobody is left to do so.
void end_after(double seconds) {
  itimerval timer{};
  timer.it_value.tv_sec = time_t(seconds);
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

bool receive(void* data, size_t bytes) {
  char* at = static_cast<char*>(data);
  while (bytes > 0) {
    const ssize_t done = ::recv(kJailChannel, at, bytes, 0);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    at += done;
    bytes -= size_t(done);
  }
  return true;
}

bool send_all(const void* data, size_t bytes) {
  for (auto at = static_cast<const char*>(data); bytes > 0;) {
    const ssize_t done = ::send(kJailChannel, at, bytes, MSG_NOSIGNAL);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    at += done;
    bytes -= size_t(done);
  }
  return true;
}

bool answer(std::string_view text) {
  const uint64_t size = text.size();
  return send_all(&size, sizeof size) && send_all(text.data(), text.size());
}

void decode(jail::Reader* request, jail::Message* out) {
  const auto what = request->number<jail::Ask>();
  ReadOptions options;
  for (bool* on : {&options.allow_damaged, &options.as_stored, &options.origin})
    *on = request->number<uint8_t>() != 0;
  const std::string name = request->text();
  const std::string_view bytes = request->take(request->number<uint64_t>());
  const auto give = [&](const auto& decoded) {
    out->number(jail::Answer::done);
    put(out, decoded);
  };
  if (what == jail::Ask::film)
    give(parse_film(bytes, name, options));
  else
    give(parse_picture(bytes, name, options));
}

std::string answer_to(std::string_view request) {
  jail::Message out;
  try {
    jail::Reader reader(request);
    decode(&reader, &out);
    return std::move(out).take();
  } catch (const PictureError& error) {
    out.number(jail::Answer::picture_error);
    out.text(error.kind());
    out.text(error.what());
  } catch (const Error& error) {
    out.number(jail::Answer::error);
    out.number(int(error.code()));
    out.text(error.what());
  } catch (const std::bad_alloc&) {
    out = jail::Message();
    out.number(jail::Answer::picture_error);
    out.text("decoder_failed");
    out.text("its decoder needs more memory than it may have");
  }
  return std::move(out).take();
}

}  // namespace

bool close_in() {
  close_descriptors();
  limit(RLIMIT_NOFILE, 0);
  if (!kSanitized) limit(RLIMIT_AS, kDecodeBytes);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NPROC, 0);
#ifdef CAWE_HAVE_SECCOMP
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
  if (filter == nullptr) return false;
  const bool good = allow_computing(filter) && seccomp_load(filter) == 0;
  seccomp_release(filter);
  return good;
#else
  return false;
#endif
}

int serve_decoder() {
  std::signal(SIGINT, SIG_IGN);  // Ctrl-C is the parent's to answer; then this socket closes
  std::signal(SIGALRM, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  set_num_threads(1);
  warm_decoders();
  if (!answer(close_in() ? jail::kFiltered : "-")) return 0;
  for (;;) {
    uint64_t size = 0;
    if (!receive(&size, sizeof size) || size > kDecodeBytes) return 0;
    std::string request(size_t(size), '\0');
    if (!receive(request.data(), request.size())) return 0;
    end_after(jail::seconds_for(request.size()) + 5);
    if (!answer(answer_to(request))) return 0;
    end_after(0);
  }
}

}  // namespace cawe::data
