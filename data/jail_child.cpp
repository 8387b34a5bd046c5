// SPDX-License-Identifier: Apache-2.0
// The child's side: closes itself in, then decodes.
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <new>

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

/// Lets through what computing, allocating and answering need; every other call of the system fails with EPERM. The
/// one open descriptor is the parent's socket. False where the system has no such filters.
bool close_in() {
  limit(RLIMIT_AS, kDecodeBytes);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NPROC, 0);
#ifdef CAWE_HAVE_SECCOMP
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
  if (filter == nullptr) return false;
  bool good = true;
  for (const int call :
       {SCMP_SYS(read),         SCMP_SYS(write),          SCMP_SYS(recvfrom),    SCMP_SYS(sendto),
        SCMP_SYS(mmap),         SCMP_SYS(munmap),         SCMP_SYS(mremap),      SCMP_SYS(madvise),
        SCMP_SYS(brk),          SCMP_SYS(futex),          SCMP_SYS(exit),        SCMP_SYS(exit_group),
        SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(sched_yield), SCMP_SYS(clock_gettime),
        SCMP_SYS(gettimeofday), SCMP_SYS(getpid),         SCMP_SYS(gettid),      SCMP_SYS(tgkill),
        SCMP_SYS(getrandom),    SCMP_SYS(restart_syscall)})
    good = good && seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) == 0;
  // Memory may be made readable or writable, never executable.
  good = good && seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                                  SCMP_A2(SCMP_CMP_MASKED_EQ, 4 /* PROT_EXEC */, 0)) == 0;
  good = good && seccomp_load(filter) == 0;
  seccomp_release(filter);
  return good;
#else
  return false;
#endif
}

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

bool receive(void* data, size_t bytes) {
  char* at = static_cast<char*>(data);
  while (bytes > 0) {
    const ssize_t done = ::recv(0, at, bytes, 0);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    at += done;
    bytes -= size_t(done);
  }
  return true;
}

bool answer(const std::string& text) {
  const uint64_t size = text.size();
  std::string framed(reinterpret_cast<const char*>(&size), sizeof size);
  framed += text;
  for (size_t sent = 0; sent < framed.size();) {
    const ssize_t done = ::send(0, framed.data() + sent, framed.size() - sent, MSG_NOSIGNAL);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    sent += size_t(done);
  }
  return true;
}

void decode(jail::Reader* request, jail::Message* out) {
  const auto what = request->number<jail::Ask>();
  ReadOptions options;
  options.allow_damaged = request->number<uint8_t>() != 0;
  options.as_stored = request->number<uint8_t>() != 0;
  const std::string name = request->text();
  const std::string_view bytes = request->take(request->number<uint64_t>());
  jail::Message good;
  good.number(jail::Answer::done);
  if (what == jail::Ask::film) put(&good, parse_film(bytes, name, options));
  if (what == jail::Ask::picture) put(&good, parse_picture(bytes, name, options));
  *out = good;
}

std::string answer_to(const std::string& request) {
  jail::Message out;
  try {
    jail::Reader reader(request);
    decode(&reader, &out);
  } catch (const PictureError& error) {
    out.number(jail::Answer::picture_error);
    out.text(error.kind());
    out.text(error.what());
  } catch (const Error& error) {
    out.number(jail::Answer::error);
    out.number(int(error.code()));
    out.text(error.what());
  } catch (const std::bad_alloc&) {
    out.number(jail::Answer::picture_error);
    out.text("decoder_failed");
    out.text("its decoder needs more memory than it may have");
  }
  return out.bytes();
}

}  // namespace

int serve_decoder() {
  std::signal(SIGINT, SIG_IGN);  // Ctrl-C is the parent's to answer; then this socket closes
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  set_num_threads(1);
  warm_decoders();
  if (!close_in())
    std::fprintf(
        stderr,
        "cawe: warning: this system or build has no system-call filter: films are decoded in a process "
        "with limits of memory and time alone\n");
  for (;;) {
    uint64_t size = 0;
    if (!receive(&size, sizeof size) || size > kDecodeBytes) return 0;
    std::string request(size_t(size), '\0');
    if (!receive(request.data(), request.size())) return 0;
    if (!answer(answer_to(request))) return 0;
  }
}

}  // namespace cawe::data
