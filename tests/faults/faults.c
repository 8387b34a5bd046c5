/* SPDX-License-Identifier: Apache-2.0
 * Preloaded into the program by tests/apps/crash.py: counts the calls that change the file system and, at one of them,
 * kills the process or lets the call fail, so that every moment of a command's writing can be tried.
 *
 *   FAULT_AT=N   the call, counted from 1 (0: only count)
 *   FAULT_DO=    kill    SIGKILL before the call
 *                half    SIGKILL after half of a write's bytes; as kill for other calls
 *                after   SIGKILL after the call
 *                eio, enospc   the call fails with this error
 *                short   a write takes half of its bytes; other calls are let be
 *   FAULT_LOG=FILE  one line for each call: its number, name and path
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { kMostFiles = 4096 };
static char tracked[kMostFiles];
static int calls, at, log_file = -1;
static __thread int mine; /* number of this thread's last call: others may come between a call's begin and end */
static const char* what = "";

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
  const char* number = getenv("FAULT_AT");
  at = number ? atoi(number) : 0;
  if (getenv("FAULT_DO")) what = getenv("FAULT_DO");
  if (getenv("FAULT_LOG")) log_file = REAL(open)(getenv("FAULT_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
}

static int is(const char* word) { return strcmp(what, word) == 0; }
static void die(void) { kill(getpid(), SIGKILL); }

/* Counts a call. Returns 1 where it must fail, with errno set. */
static int fault(const char* call, const char* path) {
  const int number = mine = __sync_add_and_fetch(&calls, 1);
  if (log_file >= 0) dprintf(log_file, "%d %s %s\n", number, call, path);
  if (number != at) return 0;
  if (is("kill") || (is("half") && strcmp(call, "write") != 0)) die();
  if (is("eio")) errno = EIO;
  if (is("enospc")) errno = ENOSPC;
  return is("eio") || is("enospc");
}
static void after(void) {
  if (mine == at && is("after")) die();
}

static int is_file(const char* path) {
  return strncmp(path, "/dev/", 5) != 0 && strncmp(path, "/proc/", 6) != 0 && strncmp(path, "/sys/", 5) != 0;
}

static int opened(int fd, const char* path, int flags) {
  const int changes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_DIRECTORY) != 0;
  if (fd >= 0 && fd < kMostFiles) tracked[fd] = changes && is_file(path);
  return fd;
}

#define OPEN(name)                                                                 \
  int name(const char* path, int flags, ...) {                                     \
    va_list list;                                                                  \
    va_start(list, flags);                                                         \
    const mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;                \
    va_end(list);                                                                  \
    if ((flags & O_CREAT) && is_file(path) && fault("open", path)) return -1;      \
    const int fd = opened(REAL(name)(path, flags, mode), path, flags);             \
    if (flags & O_CREAT) after();                                                  \
    return fd;                                                                     \
  }
OPEN(open)
OPEN(open64)

int close(int fd) {
  if (fd >= 0 && fd < kMostFiles) tracked[fd] = 0;
  return REAL(close)(fd);
}

static ssize_t some(int fd, const void* data, size_t bytes, off_t offset, int has_offset) {
  return has_offset ? REAL(pwrite)(fd, data, bytes, offset) : REAL(write)(fd, data, bytes);
}
static ssize_t put(int fd, const void* data, size_t bytes, off_t offset, int has_offset) {
  if (fd < 0 || fd >= kMostFiles || !tracked[fd]) return some(fd, data, bytes, offset, has_offset);
  if (fault("write", "")) return -1;
  const int here = mine == at && bytes > 1;
  if (here && is("half")) {
    some(fd, data, bytes / 2, offset, has_offset);
    die();
  }
  const ssize_t done = some(fd, data, here && is("short") ? bytes / 2 : bytes, offset, has_offset);
  after();
  return done;
}
ssize_t write(int fd, const void* data, size_t bytes) { return put(fd, data, bytes, 0, 0); }
ssize_t pwrite(int fd, const void* data, size_t bytes, off_t offset) { return put(fd, data, bytes, offset, 1); }
ssize_t pwrite64(int fd, const void* data, size_t bytes, off_t offset) { return put(fd, data, bytes, offset, 1); }

#define CALL(result, name, parameters, arguments, path)       \
  result name parameters {                                    \
    if (is_file(path) && fault(#name, path)) return -1;       \
    const result done = REAL(name) arguments;                 \
    if (is_file(path)) after();                               \
    return done;                                              \
  }
CALL(int, rename, (const char* from, const char* to), (from, to), to)
CALL(int, unlink, (const char* path), (path), path)
CALL(int, remove, (const char* path), (path), path)
CALL(int, unlinkat, (int folder, const char* path, int flags), (folder, path, flags), path) /* remove_all's */
CALL(int, rmdir, (const char* path), (path), path)
CALL(int, mkdir, (const char* path, mode_t mode), (path, mode), path)

int fsync(int fd) {
  if (fault("fsync", "")) return -1;
  const int done = REAL(fsync)(fd);
  after();
  return done;
}
int ftruncate(int fd, off_t size) {
  if (fault("ftruncate", "")) return -1;
  const int done = REAL(ftruncate)(fd, size);
  after();
  return done;
}
