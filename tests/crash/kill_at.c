/* LD_PRELOAD of a daemon that is to die between two system calls of a real plugin.
 *
 * While the file TRELLIS_TEST_KILL_AT holds a number n, the n-th call below after the file appeared does not happen:
 * the process is killed before it. `<file>.count` tells how many there were. Calls that concern neither a
 * file below TRELLIS_TEST_KILL_UNDER nor a mount are not counted. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int calls = 0;

/* The number in the file; 0 when there is none. Raw calls: these are not to be counted. */
static int wanted(char const* file) {
  int const fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[16] = "";
  ssize_t const size = read(fd, text, sizeof text - 1);
  close(fd);
  return size > 0 ? atoi(text) : 0;
}

static void note(char const* file, int count) {
  char path[PATH_MAX];
  char text[16];
  snprintf(path, sizeof path, "%s.count", file);
  int const size = snprintf(text, sizeof text, "%d\n", count);
  int const fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return;
  ssize_t const written = write(fd, text, (size_t)size);
  (void)written;
  close(fd);
}

static void reach(void) {
  char const* const file = getenv("TRELLIS_TEST_KILL_AT");
  int const at = file == NULL ? 0 : wanted(file);
  if (at == 0) return;
  int const count = atomic_fetch_add(&calls, 1) + 1;
  note(file, count);
  if (count != at) return;
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;)
    pause();
}

static void reach_path(char const* path) {
  char const* const under = getenv("TRELLIS_TEST_KILL_UNDER");
  if (under != NULL && path != NULL && strncmp(path, under, strlen(under)) == 0) reach();
}

static void reach_fd(int fd) {
  char link[32];
  char path[PATH_MAX] = "";
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t const size = readlink(link, path, sizeof path - 1);
  if (size > 0) reach_path(path);
}

#define REAL(name, ...) \
  static int (*real)(__VA_ARGS__) = NULL; \
  if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, name)

#define OPEN(name) \
  int name(char const* path, int flags, ...) { \
    REAL(#name, char const*, int, ...); \
    va_list rest; \
    va_start(rest, flags); \
    mode_t const mode = va_arg(rest, mode_t); \
    va_end(rest); \
    if ((flags & (O_CREAT | __O_TMPFILE)) != 0) reach_path(path); \
    return real(path, flags, mode); \
  }
OPEN(open)
OPEN(open64)

#define ALLOCATE(name, offset_type) \
  int name(int fd, int mode, offset_type offset, offset_type size) { \
    REAL(#name, int, int, offset_type, offset_type); \
    reach_fd(fd); \
    return real(fd, mode, offset, size); \
  }
ALLOCATE(fallocate, off_t)
ALLOCATE(fallocate64, off64_t)

#define TRUNCATE(name, offset_type) \
  int name(int fd, offset_type size) { \
    REAL(#name, int, offset_type); \
    reach_fd(fd); \
    return real(fd, size); \
  }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define ON_FD(name) \
  int name(int fd) { \
    REAL(#name, int); \
    reach_fd(fd); \
    return real(fd); \
  }
ON_FD(fsync)
ON_FD(fdatasync)

#define ON_PATH(name) \
  int name(char const* path) { \
    REAL(#name, char const*); \
    reach_path(path); \
    return real(path); \
  }
ON_PATH(unlink)
ON_PATH(rmdir)

int mkdir(char const* path, mode_t mode) {
  REAL("mkdir", char const*, mode_t);
  reach_path(path);
  return real(path, mode);
}

int rename(char const* from, char const* to) {
  REAL("rename", char const*, char const*);
  reach_path(to);
  return real(from, to);
}

int linkat(int from_dir, char const* from, int to_dir, char const* to, int flags) {
  REAL("linkat", int, char const*, int, char const*, int);
  reach_path(to);
  return real(from_dir, from, to_dir, to, flags);
}

int fchown(int fd, uid_t user, gid_t group) {
  REAL("fchown", int, uid_t, gid_t);
  reach_fd(fd);
  return real(fd, user, group);
}

int ioctl(int fd, unsigned long request, ...) {
  REAL("ioctl", int, unsigned long, ...);
  va_list rest;
  va_start(rest, request);
  void* const argument = va_arg(rest, void*);
  va_end(rest);
  reach_fd(fd);
  return real(fd, request, argument);
}

int mount(char const* source, char const* target, char const* type, unsigned long flags, void const* data) {
  REAL("mount", char const*, char const*, char const*, unsigned long, void const*);
  reach_path(target);
  return real(source, target, type, flags, data);
}
